/// The entry: parse, find the verb, run it, turn whatever was thrown into an error and an exit code.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <tuple>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "completion.hpp"
#include "deployed_names.hpp"
#include "exit_code.hpp"
#include "explain.hpp"
#include "help.hpp"
#include "json_text.hpp"
#include "session.hpp"
#include "text.hpp"
#include "version.hpp"

namespace harmony::cli {
namespace {

/// A descriptor that was closed before the start would be given to the next file opened, and written to as a stream.
/// Standard output cannot be written to then either, as without this: results that nobody can have are told.
void keep_standard_descriptors() {
  constexpr std::pair<int, int> standard[] = {
      {STDIN_FILENO, O_RDONLY}, {STDOUT_FILENO, O_RDONLY}, {STDERR_FILENO, O_WRONLY}};
  for (const auto& [descriptor, mode] : standard)
    while (fcntl(descriptor, F_GETFD) < 0 && errno == EBADF)
      if (open("/dev/null", mode) < 0) break;
}

Diagnostic unexpected(const std::exception& error) {
  return InternalError{fmt::format("unexpected: {}", error.what())}.data();
}

// ---------------------------------------------------------------- verbs that touch no deployment

int help_verb(Invocation& in, const std::string& topic) {
  in.results().write(help_text(in.application, in.table, in.program, topic, in.result_style(),
                               in.columns_of(in.results().descriptor())));
  return exit_done;
}

int version_verb(Invocation& in) {
  const std::string version = in.application.version();
  if (in.arguments.json())
    in.results().write(pretty(boost::json::object{{"format_version", format_version},
                                                  {"verb", "version"},
                                                  {"exit_code", exit_done},
                                                  {"program", in.program},
                                                  {"root", in.application.kind + " " + in.application.name()},
                                                  {"version", version},
                                                  {"harmony", harmony_version},
                                                  {"build", program_identity()}}));
  else
    in.results().write(fmt::format("{}{}{} (Harmony {})\n", printable_line(in.application.name()),
                                   version.empty() ? "" : " ", printable_line(version), harmony_version));
  return exit_done;
}

int explain_verb(Invocation& in) {
  const bool all = in.arguments.positional.empty();
  if (in.arguments.json()) {
    boost::json::array pages;
    for (const ErrorPage& page : error_pages())
      if (all || &page == &page_of(in.arguments.positional.front()))
        pages.push_back({{"code", page.code}, {"title", page.title}, {"text", page.text}});
    if (!all) (void)page_of(in.arguments.positional.front());
    in.results().write(pretty(boost::json::object{{"format_version", format_version},
                                                  {"verb", "explain"},
                                                  {"exit_code", exit_done},
                                                  {"pages", std::move(pages)}}));
  } else {
    in.results().write(all ? list_pages(in.result_style())
                           : page_text(page_of(in.arguments.positional.front()), in.result_style()));
  }
  return exit_done;
}

std::string base_name(const std::string& program) { return program.substr(program.rfind('/') + 1); }

int completion_verb(Invocation& in) {
  in.results().write(completion_script(in.arguments.positional.front(), base_name(in.program)));
  return exit_done;
}

// ---------------------------------------------------------------- verbs on a deployment

using Verb = int (*)(Session&);
Verb deployment_verb(const std::string& name) {
  constexpr std::pair<std::string_view, Verb> verbs[] = {
      {"plan", plan_verb},       {"deploy", deploy_verb}, {"smoke-test", smoke_test_verb},
      {"destroy", destroy_verb}, {"status", status_verb}, {"logs", logs_verb},
      {"graph", graph_verb}};
  for (const auto& [known, verb] : verbs)
    if (known == name) return verb;
  return nullptr;
}

/// @param error without concealed values.
void tell(Invocation& in, const Diagnostic& error, int code) {
  in.console.err().write(render({error}, {.style = in.error_style(), .program = in.program}));
  if (in.arguments.json())
    in.results().write(pretty(redacted(boost::json::object{{"format_version", format_version},
                                                           {"verb", in.arguments.verb},
                                                           {"exit_code", code},
                                                           {"errors", boost::json::array{to_json(error)}}},
                                       {})));
}

int on_deployment(Invocation& in, Verb verb) {
  const auto start = std::chrono::steady_clock::now();
  Session session{in};
  int code = exit_internal;
  const auto failed = [&](const Diagnostic& error) {
    session.finish_progress();
    code = session.exit_code({error});
    tell(in, redacted(error, session.redact()), code);
  };
  try {
    code = verb(session);
  } catch (const Error& error) {
    failed(error.data());
  } catch (const std::exception& error) {
    failed(unexpected(error));
  }
  if (session.events) session.events->end(code, std::chrono::steady_clock::now() - start);
  return code;
}

int dispatch(Invocation& in) {
  const std::string& verb = in.arguments.verb;
  if (in.arguments.has("help")) return help_verb(in, in.table.verb(verb) ? verb : std::string{});
  if (verb.empty()) {
    in.console.err().write(help_text(in.application, in.table, in.program, {}, in.error_style(),
                                     in.columns_of(in.console.err().descriptor())));
    throw Error({.code = "H0502",
                 .category = Category::usage,
                 .message = "no verb is given",
                 .help = fmt::format("for example: {} status", shell_word(in.program))});
  }
  check(in.arguments, in.table);
  if (verb == "help")
    return help_verb(in, in.arguments.positional.empty() ? std::string{} : in.arguments.positional.front());
  if (verb == "version") return version_verb(in);
  if (verb == "explain") return explain_verb(in);
  if (verb == "completion") return completion_verb(in);
  return on_deployment(in, deployment_verb(verb));
}

// ---------------------------------------------------------------- the end

/// What a stream could not take: the result, or the events that took its place on standard output. A reader that has
/// seen enough and went is none.
std::optional<std::string> unwritten(Invocation& in) {
  const std::pair<Output*, std::string_view> streams[] = {{&in.results(), "result"}, {&in.console.out(), "events"}};
  for (const auto& [output, what] : streams)
    if (const auto failure = output->failure(); failure && *failure != EPIPE)
      return fmt::format("cannot write the {}: {}", what, std::strerror(*failure));
  return std::nullopt;
}

/// Where the words are the result, a stream that cannot take them is a failure; a deploy keeps its own result.
int with_output_checked(Invocation& in, int code) {
  in.console.flush();
  const auto message = unwritten(in);
  if (!message) return code;
  const bool acts =
      in.arguments.verb == "deploy" || in.arguments.verb == "destroy" || in.arguments.verb == "smoke-test";
  if (acts || code != exit_done) {
    in.console.err().write(fmt::format("note: {}; what was done is as the exit code says\n", *message));
    in.console.flush();
    return code;
  }
  in.console.err().write(render({{.code = "H0511", .message = *message, .help = "give it somewhere to write to"}},
                                {.style = in.error_style(), .program = in.program}));
  in.console.flush();
  return exit_failed;
}

int completed(Application& application, const OptionTable& table, int argc, char** argv) {
  const std::vector<std::string> words{argv + 2, argv + argc};
  const std::string text = complete(application, table, words, [&] {
    constexpr unsigned patience = 3;         // a shell waits meanwhile: this program ends then, having said nothing
    alarm(patience);
    return deployed_names(application, table, {words.begin(), words.end() - 1});
  });
  (void)!::write(STDOUT_FILENO, text.data(), text.size());
  return exit_done;
}

}  // namespace

const TopologyChoice* Application::find(std::string_view topology) const {
  for (const TopologyChoice& choice : topologies)
    if (choice.id == topology) return &choice;
  return nullptr;
}

int run_application(Application& application, int argc, char** argv) {
  ignore_broken_pipes();
  keep_ends_of_children();
  keep_standard_descriptors();
  const OptionTable table = option_table(application);
  if (argc > 1 && std::strcmp(argv[1], "__complete") == 0) return completed(application, table, argc, argv);
  Console console;
  Invocation in{.application = application,
                .table = table,
                .program = printable_line(argc > 0 ? argv[0] : application.kind),
                .console = console,
                .environment = process_environment()};
  int code = exit_internal;
  try {
    in.arguments = as_far_as_understood(table, argc, argv);
    in.arguments = parse(table, argc, argv);
    code = dispatch(in);
  } catch (const Error& error) {
    code = exit_code(error.data().category);
    tell(in, error.data(), code);
  } catch (const std::exception& error) {
    code = exit_internal;
    tell(in, unexpected(error), code);
  }
  return with_output_checked(in, code);
}

}  // namespace harmony::cli
