#include "plan_file.hpp"

#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

#include <fmt/format.h>
#include <boost/crc.hpp>
#include <boost/json.hpp>

#include "export/file_target.hpp"
#include "json_text.hpp"
#include "private_file.hpp"
#include "text.hpp"
#include "version.hpp"

namespace harmony::cli {
namespace {

namespace json = boost::json;

constexpr std::int64_t plan_format = 1;
constexpr std::string_view no_checksum = "0000000000000000";

/// CRC-64/XZ: finds every flipped byte and every cut.
std::string checksum_of(std::string_view bytes) {
  boost::crc_optimal<64, 0x42f0e1eba9ea3693, 0xffffffffffffffff, 0xffffffffffffffff, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return fmt::format("{:016x}", crc.checksum());
}

Error bad(std::string code, std::string message, const std::string& name, std::string help) {
  return Error({.code = std::move(code),
                .category = Category::usage,
                .message = std::move(message),
                .subject = "plan file/" + printable_line(name),
                .facts = {{"plan file", name}},
                .help = std::move(help)});
}

Error damaged(const std::string& name, std::string_view how) {
  return bad("H0521", fmt::format("the plan file is damaged: {}", how), name, "make a new plan with `plan --out FILE`");
}

// ---------------------------------------------------------------- reading JSON, strictly

/// Every access that does not fit means a damaged file.
class Reader {
 public:
  Reader(const json::value& value, const std::string& name) : value_(value), name_(name) {}

  Reader operator[](std::string_view key) const {
    const auto* object = value_.if_object();
    const auto* found = object ? object->if_contains(key) : nullptr;
    if (!found) throw damaged(name_, fmt::format("`{}` is missing", key));
    return {*found, name_};
  }
  std::string text() const {
    if (!value_.is_string()) throw damaged(name_, "a text is missing");
    return std::string(value_.as_string());
  }
  std::string optional_text() const { return value_.is_null() ? std::string{} : text(); }
  bool flag() const {
    if (!value_.is_bool()) throw damaged(name_, "a truth value is missing");
    return value_.as_bool();
  }
  template <class F>
  auto all(F&& read) const {
    if (!value_.is_array()) throw damaged(name_, "a list is missing");
    std::vector<std::invoke_result_t<F, Reader>> made;
    for (const json::value& element : value_.as_array()) made.push_back(read(Reader{element, name_}));
    return made;
  }
  std::map<std::string, std::string> texts() const {
    if (!value_.is_object()) throw damaged(name_, "an object is missing");
    std::map<std::string, std::string> made;
    for (const auto& [key, value] : value_.as_object()) made[std::string(key)] = Reader{value, name_}.text();
    return made;
  }
  /// The enumerator whose name this is; E's `to_string` knows the names.
  template <class E, class Names>
  E one_of(std::initializer_list<E> values, Names&& name_of) const {
    const std::string word = text();
    for (const E value : values)
      if (name_of(value) == word) return value;
    throw damaged(name_, fmt::format("`{}` means nothing", printable_line(word)));
  }

 private:
  const json::value& value_;
  const std::string& name_;
};

FieldChange field_from(const Reader& in) {
  constexpr auto name_of = [](Origin origin) -> std::string_view {
    constexpr std::string_view names[] = {"exact", "generated", "deferred", "defaulted"};
    return names[static_cast<std::size_t>(origin)];
  };
  return {
      .path = in["path"].text(),
      .before = in["before"].optional_text(),
      .after = in["after"].optional_text(),
      .origin = in["origin"].one_of({Origin::exact, Origin::generated, Origin::deferred, Origin::defaulted}, name_of)};
}

Action action_from(const Reader& in) {
  return in.one_of({Action::unchanged, Action::create, Action::update, Action::replace, Action::remove},
                   [](Action a) { return to_string(a); });
}
Fidelity fidelity_from(const Reader& in) {
  return in.one_of({Fidelity::exact, Fidelity::server, Fidelity::shadow, Fidelity::schema, Fidelity::unknown},
                   [](Fidelity f) { return to_string(f); });
}

Change change_from(const Reader& in) {
  const Reader subject = in["subject"];
  return {.subject = {subject["primitive"].text(), subject["kind"].text(), subject["name"].text()},
          .action = action_from(in["action"]),
          .fields = in["fields"].all(field_from),
          .before = in["before"].text(),
          .after = in["after"].text(),
          .effect = in["effect"].text(),
          .fidelity = fidelity_from(in["fidelity"]),
          .reason = in["reason"].text(),
          .identity = in["identity"].text(),
          .holds_data = in["holds_data"].flag(),
          .loses_data = in["loses_data"].flag(),
          .shared = in["shared"].flag()};
}

StepOutcome step_from(const Reader& in) {
  return {.kind = in["kind"].text(),
          .name = in["name"].text(),
          .detail = in["detail"].text(),
          .score_path = in["score"].text(),
          .at = {},
          .changes = in["changes"].all(change_from),
          .action = action_from(in["action"]),
          .fidelity = fidelity_from(in["fidelity"]),
          .effect = in["effect"].text(),
          .loses_data = in["loses_data"].flag()};
}

SavedPlan saved_from(const Reader& in) {
  SavedPlan saved{.program = in["program"].text(),
                  .root = in["root"].text(),
                  .deployment = in["deployment"].text(),
                  .topology = in["topology"].text(),
                  .options = in["options"].texts(),
                  .made = in["made"].text(),
                  .fingerprint_key = in["fingerprint_key"].text(),
                  .plan = {}};
  Plan& plan = saved.plan;
  plan.deployment = saved.deployment;
  plan.topology = in["where"].text();
  plan.root = saved.root;
  plan.given.settings = in["settings"].texts();
  plan.outcome.steps = in["steps"].all(step_from);
  plan.outcome.notes =
      in["notes"].all([](const Reader& note) { return Note{note["label"].text(), note["text"].text()}; });
  plan.reads = in["reads"].all([](const Reader& read) {
    return ReadRecord{read["primitive"].text(), read["key"].text(), read["fingerprint"].text()};
  });
  plan.smoke_tests = in["smoke_tests"].all(
      [](const Reader& test) { return PlannedSmokeTest{test["name"].text(), test["score"].text()}; });
  plan.settles = in["settles"].flag();
  return saved;
}

// ---------------------------------------------------------------- identity

std::string hex(const unsigned char* bytes, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

/// Looks through the notes of the executable, which is what the loader lists first.
int find_build_id(dl_phdr_info* info, std::size_t, void* result) {
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    if (header.p_type != PT_NOTE) continue;
    const auto* at = reinterpret_cast<const unsigned char*>(info->dlpi_addr + header.p_vaddr);
    const auto* end = at + header.p_memsz;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      ElfW(Nhdr) note;
      std::memcpy(&note, at, sizeof note);
      const auto* name = at + sizeof note;
      const auto* data = name + ((note.n_namesz + 3) & ~3U);
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0)
        *static_cast<std::string*>(result) = hex(data, note.n_descsz);
      at = data + ((note.n_descsz + 3) & ~3U);
    }
  }
  return 1;
}

}  // namespace

std::string program_identity() {
  std::string identity;
  dl_iterate_phdr(find_build_id, &identity);
  if (!identity.empty()) return identity;
  std::ifstream self{"/proc/self/exe", std::ios::binary};
  const std::string bytes{std::istreambuf_iterator<char>(self), {}};
  return checksum_of(bytes);
}

std::string plan_text(const SavedPlan& saved) {
  json::object file{{"format_version", plan_format},
                    {"checksum", no_checksum},
                    {"harmony", harmony_version},
                    {"program", saved.program},
                    {"root", saved.root},
                    {"deployment", saved.deployment},
                    {"topology", saved.topology},
                    {"where", saved.plan.topology},
                    {"made", saved.made},
                    {"fingerprint_key", saved.fingerprint_key}};
  auto& options = file["options"].emplace_object();
  for (const auto& [name, value] : saved.options) options[name] = value;
  auto& settings = file["settings"].emplace_object();
  for (const auto& [name, value] : saved.plan.given.settings) settings[name] = value;
  const json::object outcome = to_json(saved.plan.outcome);
  for (const auto& [key, value] : outcome) file[key] = value;
  auto& reads = file["reads"].emplace_array();
  for (const ReadRecord& read : saved.plan.reads)
    reads.push_back({{"primitive", read.primitive}, {"key", read.key}, {"fingerprint", read.fingerprint}});
  auto& tests = file["smoke_tests"].emplace_array();
  for (const PlannedSmokeTest& test : saved.plan.smoke_tests)
    tests.push_back({{"name", test.name}, {"score", test.score_path}});
  file["settles"] = saved.plan.settles;
  std::string text = pretty(file);
  return text.replace(text.find(no_checksum), no_checksum.size(), checksum_of(text));
}

SavedPlan parse_plan(const std::string& text, const std::string& name) {
  boost::system::error_code failed;
  // What a primitive read may be any bytes, and has to come back as it was.
  const json::value value = json::parse(text, failed, {}, {.allow_invalid_utf8 = true});
  if (failed) throw damaged(name, "it is no JSON, or cut off");
  const auto* object = value.if_object();
  const auto* version = object ? object->if_contains("format_version") : nullptr;
  if (!version || !version->is_int64() || version->as_int64() < 1) throw damaged(name, "it has no format version");
  if (version->as_int64() > plan_format)
    throw bad("H0522",
              fmt::format("the plan file has format {}; this program reads up to {}", version->as_int64(), plan_format),
              name, "deploy it with the program that made it, or make a new plan");
  const Reader in{value, name};
  const std::string checksum = in["checksum"].text();
  const auto place = text.find("\"checksum\": \"" + checksum + "\"");
  if (checksum.size() != no_checksum.size() || place == std::string::npos) throw damaged(name, "it has no checksum");
  std::string unsigned_text = text;
  unsigned_text.replace(place + std::strlen("\"checksum\": \""), checksum.size(), no_checksum);
  if (checksum_of(unsigned_text) != checksum) throw damaged(name, "its checksum does not fit");
  return saved_from(in);
}

void write_plan(const SavedPlan& saved, const std::string& path) { write_privately(path, plan_text(saved)); }

SavedPlan read_plan(const std::string& path) {
  constexpr off_t largest = 256 * 1024 * 1024;
  const int descriptor = open(target_of(path).path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0 && errno == ELOOP)
    throw bad("H0526", "the plan file is a symbolic link that others can change", path, "name the file itself");
  if (descriptor < 0)
    throw bad("H0520", fmt::format("the plan file cannot be read: {}", std::strerror(errno)), path,
              "make one with `plan --out FILE`");
  struct Closed {
    int descriptor;
    ~Closed() { close(descriptor); }
  } const closed{descriptor};
  struct stat info{};
  fstat(descriptor, &info);
  if (!S_ISREG(info.st_mode) || info.st_size > largest)
    throw bad("H0520", "the plan file is no ordinary file", path, "make one with `plan --out FILE`");
  if (info.st_uid != geteuid() && info.st_uid != 0)
    throw bad("H0526", fmt::format("the plan file belongs to user {}", info.st_uid), path,
              "deploy a plan that you made yourself");
  if ((info.st_mode & 077) != 0)
    throw bad("H0526", fmt::format("the plan file is open to others (mode {:04o})", info.st_mode & 07777), path,
              "a plan carries the key of its fingerprints; close it with chmod 600, if you trust what it says");
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t used = 0;
  for (ssize_t got = 1; used < text.size() && got > 0; used += static_cast<std::size_t>(got)) {
    got = read(descriptor, text.data() + used, text.size() - used);
    if (got < 0)
      throw bad("H0520", fmt::format("the plan file cannot be read: {}", std::strerror(errno)), path,
                "make one with `plan --out FILE`");
  }
  text.resize(used);
  return parse_plan(text, path);
}

namespace {

std::string differs(std::string_view what, const std::string& planned, const std::string& wanted) {
  return fmt::format("the saved plan is of {} `{}`, not `{}`", what, printable_line(planned), printable_line(wanted));
}

void check_options(const SavedPlan& saved, const PlanContext& here, const std::string& path) {
  for (const auto& [name, value] : here.options) {
    const auto planned = saved.options.find(name);
    if (planned != saved.options.end() && planned->second == value) continue;
    throw bad("H0523",
              planned == saved.options.end() ? fmt::format("the saved plan was made without `--{}`", name)
                                             : differs("--" + name, planned->second, value),
              path,
              fmt::format("a saved plan brings its options with it; leave --{} away, or make a plan for it", name));
  }
}

}  // namespace

void check_place(const SavedPlan& saved, const std::string& where, const std::string& path) {
  if (saved.plan.topology != where)
    throw bad("H0523", differs("topology", saved.plan.topology, where), path,
              "deploy it where it was made for, or make a plan for this place");
}

void check_plan(const SavedPlan& saved, const PlanContext& here, const std::string& path) {
  if (saved.root != here.root)
    throw bad("H0524", differs("the program for", saved.root, here.root), path,
              "deploy it with the program that made it");
  if (saved.program != here.program)
    throw bad("H0524", "the saved plan was made by another build of this program", path,
              "make a new plan with this one, or deploy with the one that made it");
  if (!here.deployment.empty() && here.deployment != saved.deployment)
    throw bad("H0523", differs("deployment", saved.deployment, here.deployment), path,
              "leave --deployment away, or make a plan for it");
  if (!here.topology.empty() && here.topology != saved.topology)
    throw bad("H0523", differs("topology", saved.topology, here.topology), path,
              "leave --on away, or make a plan for it");
  check_options(saved, here, path);
  for (const auto& [name, value] : here.settings) {
    const auto planned = saved.plan.given.settings.find(name);
    if (planned != saved.plan.given.settings.end() && planned->second == value) continue;
    throw bad("H0525",
              fmt::format("the saved plan has {} for field `{}`, not `{}`",
                          planned == saved.plan.given.settings.end() ? "the default"
                                                                     : "`" + printable_line(planned->second) + "`",
                          name, printable_line(value)),
              path, "a saved plan brings its settings with it; leave --set and --config away, or make a new plan");
  }
}

}  // namespace harmony::cli
