#include "k8s/kubeconfig.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "harmony/error.hpp"
#include "host/printable.hpp"
#include "k8s/base64.hpp"
#include "k8s/small_file.hpp"
#include "k8s/yaml.hpp"

namespace harmony::k8s {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t largest = 3 << 20;

Error malformed(const fs::path& file, int line, std::string_view what) {
  return Error({.code = "H0401",
                .category = Category::usage,
                .message = fmt::format("the kubeconfig cannot be understood: {}", host::printable(what)),
                .subject = "kubeconfig/" + file.filename().string(),
                .facts = {{"file", fmt::format("{}:{}", host::printable(file.string()), line)}},
                .help = "`kubectl config view` reads the same file; mend the line that is named"});
}

/// One value with the place where it was written.
class Field {
 public:
  Field(const Yaml* yaml, Origin origin)
      : yaml_(yaml && !yaml->is_null() ? yaml : nullptr), origin_(std::move(origin)) {
    if (yaml_) origin_.line = yaml_->line;
  }
  explicit operator bool() const { return yaml_ != nullptr; }
  const Origin& origin() const { return origin_; }
  const Yaml& yaml() const { return *yaml_; }

  Field operator[](std::string_view name) const {
    if (yaml_ && yaml_->kind != Yaml::Kind::map) throw wrong_field(origin_, "it should hold named fields");
    return {yaml_ ? yaml_->find(name) : nullptr, origin_.at(name)};
  }
  std::string text() const {
    if (!yaml_) return {};
    if (yaml_->kind != Yaml::Kind::scalar) throw wrong_field(origin_, "it should be a text");
    if (std::ranges::any_of(yaml_->scalar, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
      throw wrong_field(origin_, "it holds a control character");
    return yaml_->scalar;
  }
  /// Base64 and hints may be folded over lines.
  std::string text_across_lines() const {
    if (!yaml_) return {};
    if (yaml_->kind != Yaml::Kind::scalar) throw wrong_field(origin_, "it should be a text");
    return yaml_->scalar;
  }
  bool truth() const {
    if (!yaml_) return false;
    const auto value = to_json(*yaml_);
    if (!value.is_bool()) throw wrong_field(origin_, "it is true or false");
    return value.get_bool();
  }
  std::vector<Field> items() const {
    if (yaml_ && yaml_->kind != Yaml::Kind::list) throw wrong_field(origin_, "it should be a list");
    std::vector<Field> all;
    if (!yaml_) return all;
    for (std::size_t i = 0; i < yaml_->items.size(); ++i) {
      Origin origin = origin_;
      origin.field += fmt::format("[{}]", i);
      all.emplace_back(&yaml_->items[i], std::move(origin));
    }
    return all;
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const Field& item : items()) all.push_back(item.text());
    return all;
  }
  Field called(std::string field) const {
    Origin origin = origin_;
    origin.field = std::move(field);
    return {yaml_, std::move(origin)};
  }

 private:
  const Yaml* yaml_;
  Origin origin_;
};

fs::path beside(const Origin& origin, const std::string& path) {
  return path.empty() || fs::path(path).is_absolute() ? fs::path(path) : origin.file.parent_path() / path;
}

/// What stands inside goes before a file, as everywhere else.
Material material_of(const Field& in, std::string_view name) {
  const Field inside = in[fmt::format("{}-data", name)], file = in[name];
  if (const std::string text = inside.text_across_lines(); !text.empty()) {
    auto bytes = from_base64(text);
    if (!bytes) throw wrong_field(inside.origin(), "it is no base64");
    return {.inside = Secret(std::move(*bytes)), .origin = inside.origin()};
  }
  return {.file = beside(file.origin(), file.text()), .origin = file.origin()};
}

Cluster cluster_of(const Field& in) {
  Cluster made{.server = in["server"].text(),
               .authority = material_of(in, "certificate-authority"),
               .tls_server_name = in["tls-server-name"].text(),
               .proxy = in["proxy-url"].text(),
               .insecure = in["insecure-skip-tls-verify"].truth(),
               .origin = in.origin()};
  for (const Field& extension : in["extensions"].items())
    if (extension["name"].text() == "client.authentication.k8s.io/exec" && extension["extension"])
      made.exec_config = to_json(extension["extension"].yaml());
  return made;
}

ExecPlugin plugin_of(const Field& in) {
  ExecPlugin made{.api_version = in["apiVersion"].text(),
                  .command = in["command"].text(),
                  .arguments = in["args"].texts(),
                  .install_hint = in["installHint"].text_across_lines(),
                  .wants_cluster = in["provideClusterInfo"].truth(),
                  .interactive = in["interactiveMode"].text() == "Always",
                  .origin = in.origin()};
  if (made.command.find('/') != std::string::npos) made.command = beside(in.origin(), made.command);
  for (const Field& variable : in["env"].items()) made.variables[variable["name"].text()] = variable["value"].text();
  if (made.command.empty()) throw wrong_field(in.origin().at("command"), "it names no program");
  if (made.api_version != "client.authentication.k8s.io/v1" &&
      made.api_version != "client.authentication.k8s.io/v1beta1")
    throw wrong_field(in.origin().at("apiVersion"),
                      "it is client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1");
  return made;
}

User user_of(const Field& in) {
  User made{.certificate = material_of(in, "client-certificate"),
            .key = material_of(in, "client-key"),
            .token = Secret(in["token"].text()),
            .password = Secret(in["password"].text()),
            .token_file = beside(in["tokenFile"].origin(), in["tokenFile"].text()),
            .name = in["username"].text(),
            .as = in["as"].text(),
            .as_uid = in["as-uid"].text(),
            .as_groups = in["as-groups"].texts(),
            .origin = in.origin()};
  if (const Field extra = in["as-user-extra"]) {
    if (extra.yaml().kind != Yaml::Kind::map) throw wrong_field(extra.origin(), "it should hold named lists");
    for (const auto& [name, values] : extra.yaml().members)
      made.as_extra[name] = Field(&values, extra.origin().at(name)).texts();
  }
  if (const Field plugin = in["exec"]) made.plugin = plugin_of(plugin);
  if (const Field provider = in["auth-provider"])
    throw wrong_field(provider.origin(),
                      "`auth-provider` is gone from Kubernetes since 1.26; `exec` stands for it now");
  return made;
}

ContextEntry context_of(const Field& in) {
  return {in["cluster"].text(), in["user"].text(), in["namespace"].text(), in.origin()};
}

/// `clusters`, `users` and `contexts` are lists of a name and a value each.
template <class T>
void read_named(const Field& list, std::string_view inner, T (*read)(const Field&), std::map<std::string, T>& all) {
  for (const Field& entry : list.items()) {
    const std::string name = entry["name"].text();
    if (name.empty()) throw wrong_field(entry.origin().at("name"), "it is not there");
    const Field value = entry[inner].called(fmt::format("{}[{}].{}", list.origin().field, name, inner));
    if (!all.emplace(name, read(value)).second)
      throw wrong_field(entry.origin(), fmt::format("`{}` is there twice", host::printable(name)));
  }
}

std::string known_names(const auto& entries) {
  std::string names;
  for (const auto& [name, entry] : entries) names += (names.empty() ? "" : ", ") + host::printable(name);
  return names.empty() ? "none" : names;
}

Error missing(const Kubeconfig& all, std::string_view what, const std::string& name, const std::string& known,
              const Origin& named_by) {
  std::string files;
  for (const fs::path& file : all.files) files += (files.empty() ? "" : ", ") + host::printable(file.string());
  Diagnostic diagnostic{
      .code = "H0403",
      .category = Category::usage,
      .message = fmt::format("no {} `{}` in the kubeconfig", what, host::printable(name)),
      .subject = fmt::format("{}/{}", what, host::printable(name)),
      .facts = {{"known", known}, {"files", files.empty() ? "none" : files}},
      .help = fmt::format("name one that is known, or set KUBECONFIG to the file that has the {}", what)};
  if (!named_by.field.empty())
    diagnostic.facts.emplace_back(
        "named by", fmt::format("{} in {}", host::printable(named_by.field), host::printable(named_by.place())));
  return Error(std::move(diagnostic));
}

/// One way to say who one is; a client certificate may go with any of them.
void require_one_way(const User& user) {
  std::vector<std::string_view> ways;
  if (!user.token.reveal().empty() || !user.token_file.empty()) ways.push_back("token");
  if (!user.name.empty() || !user.password.reveal().empty()) ways.push_back("username and password");
  if (user.plugin) ways.push_back("exec");
  if (ways.size() > 1)
    throw wrong_field(user.origin, fmt::format("it has both {} and {}, and only one can be sent", ways[0], ways[1]));
  if (user.certificate.given() != user.key.given())
    throw wrong_field(user.origin, user.key.given() ? "it has a client key without its certificate"
                                                    : "it has a client certificate without its key");
  if (user.as.empty() && (!user.as_uid.empty() || !user.as_groups.empty() || !user.as_extra.empty()))
    throw wrong_field(user.origin.at("as"), "it is not there, but other fields say more of it");
}

bool is_host_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == ':';
  });
}

void require_sound(const Cluster& cluster) {
  if (cluster.insecure && cluster.authority.given())
    throw wrong_field(cluster.origin.at("insecure-skip-tls-verify"),
                      "it contradicts the certificate authority that is given as well");
  if (!cluster.tls_server_name.empty() && !is_host_name(cluster.tls_server_name))
    throw wrong_field(cluster.origin.at("tls-server-name"), "it is no host name");
}

}  // namespace

Error wrong_field(const Origin& origin, std::string_view what) {
  return Error({.code = "H0402",
                .category = Category::usage,
                .message = fmt::format("the kubeconfig's `{}` is wrong: {}", host::printable(origin.field), what),
                .subject = "kubeconfig/" + origin.file.filename().string(),
                .facts = {{"file", host::printable(origin.place())}},
                .help = "put the field right that is named"});
}

Origin Origin::at(std::string_view deeper) const {
  return {file, field.empty() ? std::string(deeper) : fmt::format("{}.{}", field, deeper), line};
}

std::string Origin::place() const { return line == 0 ? file.string() : fmt::format("{}:{}", file.string(), line); }

Kubeconfig parse_kubeconfig(std::string_view text, const fs::path& file) try {
  Kubeconfig made{.files = {file}};
  const auto documents = parse_yaml(text);
  const Field root{documents.empty() ? nullptr : &documents.front(), {.file = file}};
  if (root && root.yaml().kind != Yaml::Kind::map)
    throw malformed(file, root.origin().line, "it holds no named fields");
  if (const std::string kind = root["kind"].text(); !kind.empty() && kind != "Config")
    throw wrong_field(root["kind"].origin(), "it is Config in a kubeconfig");
  made.current_context = root["current-context"].text();
  read_named<Cluster>(root["clusters"], "cluster", cluster_of, made.clusters);
  read_named<User>(root["users"], "user", user_of, made.users);
  read_named<ContextEntry>(root["contexts"], "context", context_of, made.contexts);
  return made;
} catch (const YamlMistake& mistake) {
  throw malformed(file, mistake.line(), mistake.what());
}

void merge(Kubeconfig& into, Kubeconfig other) {
  into.clusters.merge(other.clusters);
  into.users.merge(other.users);
  into.contexts.merge(other.contexts);
  if (into.current_context.empty()) into.current_context = std::move(other.current_context);
  into.files.insert(into.files.end(), other.files.begin(), other.files.end());
}

KubeconfigFiles kubeconfig_files(const Environment& environment, const fs::path& asked_for) {
  if (!asked_for.empty()) return {{asked_for}, true};
  const std::string list = environment.get("KUBECONFIG");
  if (list.empty()) {
    const std::string home = environment.get("HOME");
    return {home.empty() ? std::vector<fs::path>{} : std::vector<fs::path>{fs::path(home) / ".kube/config"}};
  }
  KubeconfigFiles files;
  for (std::size_t from = 0; from <= list.size();) {
    const std::size_t end = std::min(list.find(':', from), list.size());
    const fs::path path = list.substr(from, end - from);
    if (!path.empty() && std::ranges::find(files.paths, path) == files.paths.end()) files.paths.push_back(path);
    from = end + 1;
  }
  return files;
}

Kubeconfig load_kubeconfig(const KubeconfigFiles& files) {
  Kubeconfig all;
  for (const fs::path& path : files.paths) {
    const auto text =
        read_small_file(path, largest, {.file = path, .field = "the kubeconfig"}, Guard::not_writable_by_all);
    if (text) merge(all, parse_kubeconfig(*text, path));
    else if (files.all_must_exist) throw missing_file(path, {.file = path, .field = "the kubeconfig"});
  }
  return all;
}

Access access_of(const Kubeconfig& all, const std::string& context) {
  const auto entry = all.contexts.find(context);
  if (entry == all.contexts.end()) throw missing(all, "context", context, known_names(all.contexts), {});
  const ContextEntry& chosen = entry->second;
  const auto cluster = all.clusters.find(chosen.cluster);
  if (cluster == all.clusters.end())
    throw missing(all, "cluster", chosen.cluster, known_names(all.clusters), chosen.origin.at("cluster"));
  Access access{.context = context, .cluster = cluster->second, .user = {}};
  if (!chosen.space.empty()) access.space = chosen.space;
  if (!chosen.user.empty()) {
    const auto user = all.users.find(chosen.user);
    if (user == all.users.end())
      throw missing(all, "user", chosen.user, known_names(all.users), chosen.origin.at("user"));
    access.user = user->second;
  }
  require_one_way(access.user);
  require_sound(access.cluster);
  return access;
}

std::optional<Access> access_in_cluster(const Environment& environment) {
  std::string host = environment.get("KUBERNETES_SERVICE_HOST");
  const std::string port = environment.get("KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty()) return std::nullopt;
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  const fs::path folder = environment.service_account;
  const auto origin = [&](const char* field) { return Origin{.file = folder, .field = field}; };
  Access access{.context = {},
                .cluster = {.server = fmt::format("https://{}:{}", host, port),
                            .authority = {.file = folder / "ca.crt", .origin = origin("ca.crt")},
                            .origin = origin("KUBERNETES_SERVICE_HOST")},
                .user = {.token_file = folder / "token", .origin = origin("token")}};
  if (const auto space = read_small_file(folder / "namespace", 256, origin("namespace"), Guard::none);
      space && !space->empty())
    access.space = *space;
  return access;
}

}  // namespace harmony::k8s
