#include "k8s/exec_plugin.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include <fmt/format.h>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "host/command.hpp"
#include "host/printable.hpp"
#include "host/text.hpp"
#include "k8s/base64.hpp"
#include "k8s/object.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 60s;
constexpr std::size_t shown_lines = 20;

Diagnostic told(const ExecPlugin& plugin, std::string code, std::string message) {
  return {.code = std::move(code),
          .category = Category::unreachable,
          .message = std::move(message),
          .subject = "credential plugin/" + host::printable(fs::path(plugin.command).filename().string()),
          .facts = {{"named by", fmt::format("{} in {}", host::printable(plugin.origin.field),
                                             host::printable(plugin.origin.place()))}}};
}

Error failed(const ExecPlugin& plugin, std::string why, std::string_view errors, std::string help) {
  Diagnostic diagnostic =
      told(plugin, "H0405", fmt::format("credential plugin `{}` {}", host::printable(plugin.command), why));
  auto lines = host::lines_of(errors);
  if (lines.size() > shown_lines) lines.erase(lines.begin(), lines.end() - shown_lines);
  for (const std::string& line : lines) diagnostic.log.push_back(host::printable(line));
  if (!plugin.install_hint.empty())
    diagnostic.notes.push_back("the kubeconfig says: " + host::printable(plugin.install_hint));
  diagnostic.help = std::move(help);
  return Error(std::move(diagnostic));
}

/// Never a part of what it printed: that may be half a credential.
Error no_credential(const ExecPlugin& plugin, std::string_view why) {
  Diagnostic diagnostic =
      told(plugin, "H0406",
           fmt::format("credential plugin `{}` printed no credential: {}", host::printable(plugin.command), why));
  diagnostic.help = "run it by hand, as the kubeconfig names it, and look at what it prints";
  return Error(std::move(diagnostic));
}

bool executable(const fs::path& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

/// KUBERNETES_EXEC_INFO
std::string question_of(const ExecPlugin& plugin, const Cluster& cluster) {
  json::object spec{{"interactive", false}};
  if (plugin.wants_cluster) {
    json::object told{{"server", cluster.server}};
    if (!cluster.tls_server_name.empty()) told["tls-server-name"] = cluster.tls_server_name;
    if (cluster.insecure) told["insecure-skip-tls-verify"] = true;
    if (!cluster.proxy.empty()) told["proxy-url"] = cluster.proxy;
    if (cluster.authority.given()) told["certificate-authority-data"] = to_base64(authority_of(cluster.authority));
    if (!cluster.exec_config.is_null()) told["config"] = cluster.exec_config;
    spec["cluster"] = std::move(told);
  }
  return json::serialize(
      json::object{{"apiVersion", plugin.api_version}, {"kind", "ExecCredential"}, {"spec", std::move(spec)}});
}

std::vector<std::string> environment_of(const ExecPlugin& plugin, const Cluster& cluster,
                                        const Environment& environment) {
  auto variables = environment.variables;
  for (const auto& [name, value] : plugin.variables) variables[name] = value;
  variables["KUBERNETES_EXEC_INFO"] = question_of(plugin, cluster);
  std::vector<std::string> lines;
  for (const auto& [name, value] : variables) lines.push_back(name + "=" + value);
  return lines;
}

/// Its nanoseconds end in the year 2262.
std::chrono::system_clock::time_point on_the_clock(std::chrono::sys_seconds time) {
  using Moment = std::chrono::system_clock::time_point;
  const auto last = std::chrono::floor<std::chrono::seconds>(Moment::max());
  return time >= last ? Moment::max() : time < std::chrono::sys_seconds{} ? Moment{} : Moment{time};
}

bool is_one_line(const std::string& text) {
  return std::ranges::none_of(text, [](unsigned char c) { return c < 0x21 || c == 0x7f; });
}

}  // namespace

fs::path program_of(const ExecPlugin& plugin, const Environment& environment) {
  if (plugin.command.find('/') != std::string::npos) {
    const fs::path path = fs::absolute(plugin.command);
    if (executable(path)) return path;
    throw failed(plugin, "is no program that can be run", {}, "install it where the kubeconfig says");
  }
  const std::string list = environment.get("PATH");
  for (std::size_t from = 0; from <= list.size();) {
    const std::size_t end = std::min(list.find(':', from), list.size());
    const fs::path folder = list.substr(from, end - from);
    if (folder.is_absolute() && executable(folder / plugin.command)) return folder / plugin.command;
    from = end + 1;
  }
  throw failed(plugin, "is not in PATH", {}, "install it, or choose a context whose user has another way in");
}

PluginAnswer run_plugin(const Scope& at, const ExecPlugin& plugin, const Cluster& cluster,
                        const Environment& environment) {
  if (plugin.interactive)
    throw failed(plugin, "wants to ask somebody, and a deploy has nobody to ask", {},
                 "log in with it by hand, and set `interactiveMode: IfAvailable` in the kubeconfig");
  host::Command command{.argv = {program_of(plugin, environment)},
                        .limit = patience,
                        .environment = environment_of(plugin, cluster, environment),
                        .errors_apart = true};
  command.argv.insert(command.argv.end(), plugin.arguments.begin(), plugin.arguments.end());
  const host::Ended ended = host::run(at, command);
  if (!ended.ok()) throw failed(plugin, ended.text(), ended.errors, "run it by hand; its last lines say why");
  return plugin_answer(ended.output, plugin);
}

PluginAnswer plugin_answer(std::string_view output, const ExecPlugin& plugin) {
  const auto said = parse_json(output);
  if (!said) throw no_credential(plugin, "it is no JSON");
  if (text_at(*said, "kind") != "ExecCredential" || text_at(*said, "apiVersion") != plugin.api_version)
    throw no_credential(plugin, fmt::format("it is no ExecCredential of {}", plugin.api_version));
  PluginAnswer answer;
  const std::string token{text_at(*said, "status.token")};
  const std::string chain{text_at(*said, "status.clientCertificateData")};
  const std::string key{text_at(*said, "status.clientKeyData")};
  if (chain.empty() != key.empty()) throw no_credential(plugin, "it has only one half of a client certificate");
  if (token.empty() && chain.empty()) throw no_credential(plugin, "there is neither a token nor a client certificate");
  if (!is_one_line(token)) throw no_credential(plugin, "its token is more than a word");
  if (!token.empty()) answer.credential.authorization = Secret("Bearer " + token);
  if (!chain.empty()) answer.credential.certificate = client_certificate(chain, Secret(key), plugin.origin);
  if (const std::string until{text_at(*said, "status.expirationTimestamp")}; !until.empty()) {
    answer.until = time_of(until);
    if (!answer.until) throw no_credential(plugin, "its expirationTimestamp is no time");
  }
  return answer;
}

std::optional<std::chrono::system_clock::time_point> time_of(std::string_view text) {
  const auto digits = [&](std::size_t from, std::size_t count) {
    int number = 0;
    for (const char c : text.substr(from, count)) {
      if (c < '0' || c > '9') return -1;
      number = number * 10 + (c - '0');
    }
    return number;
  };
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':')
    return std::nullopt;
  const int year = digits(0, 4), month = digits(5, 2), day = digits(8, 2);
  const int hour = digits(11, 2), minute = digits(14, 2), second = digits(17, 2);
  using namespace std::chrono;
  const year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                            std::chrono::day{static_cast<unsigned>(day)}};
  if (std::min({year, month, day, hour, minute, second}) < 0 || !date.ok() || hour > 23 || minute > 59 || second > 60)
    return std::nullopt;
  const auto time = sys_seconds{sys_days{date}} + hours{hour} + minutes{minute} + seconds{second};
  std::size_t zone = 19;
  if (text[zone] == '.')
    for (++zone; zone < text.size() && std::isdigit(static_cast<unsigned char>(text[zone]));) ++zone;
  if (text.substr(zone) == "Z") return on_the_clock(time);
  const std::string_view offset = text.substr(zone);
  if (offset.size() != 6 || (offset[0] != '+' && offset[0] != '-') || offset[3] != ':') return std::nullopt;
  const int away = digits(zone + 1, 2) * 60 + digits(zone + 4, 2);
  if (away < 0) return std::nullopt;
  return on_the_clock(time - minutes{offset[0] == '-' ? -away : away});
}

}  // namespace harmony::k8s
