#pragma once
/// kubeconfig: parsed and merged as `kubectl config view` does it, without a look at the files that it points to.
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "harmony/error.hpp"
#include "harmony/secret.hpp"
#include "k8s/environment.hpp"

namespace harmony::k8s {

/// Where something was written; what errors name.
struct Origin {
  std::filesystem::path file = {};
  std::string field = {};                    ///< "users[admin].user.client-key"
  int line = 0;                              ///< 0: unknown
  Origin at(std::string_view deeper) const;  ///< the same place, one field deeper
  std::string place() const;                 ///< "config:12"
};

/// What is wrong with a field. H0402
Error wrong_field(const Origin&, std::string_view what);

/// A certificate, a key: inside the kubeconfig, or in a file of its own.
struct Material {
  Secret<std::string> inside = {};           ///< decoded
  std::filesystem::path file = {};           ///< absolute, or as the kubeconfig's own path is
  Origin origin = {};
  bool given() const { return !inside.reveal().empty() || !file.empty(); }
};

struct ExecPlugin {
  std::string api_version, command;          ///< a command with a slash is relative to the kubeconfig
  std::vector<std::string> arguments = {};
  std::map<std::string, std::string> variables = {};
  std::string install_hint = {};
  bool wants_cluster = false, interactive = false;
  Origin origin = {};
};

struct Cluster {
  std::string server = {};
  Material authority = {};
  std::string tls_server_name = {}, proxy = {};
  bool insecure = false;
  boost::json::value exec_config = {};       ///< for plugins that want to know the cluster
  Origin origin = {};
};

struct User {
  Material certificate = {}, key = {};
  Secret<std::string> token = {}, password = {};
  std::filesystem::path token_file = {};
  std::string name = {};                     ///< with `password`: HTTP basic authentication
  std::string as = {}, as_uid = {};
  std::vector<std::string> as_groups = {};
  std::map<std::string, std::vector<std::string>> as_extra = {};
  std::optional<ExecPlugin> plugin = {};
  Origin origin = {};
};

struct ContextEntry {
  std::string cluster = {}, user = {}, space = {};
  Origin origin = {};
};

struct Kubeconfig {
  std::map<std::string, Cluster> clusters = {};
  std::map<std::string, User> users = {};
  std::map<std::string, ContextEntry> contexts = {};
  std::string current_context = {};
  std::vector<std::filesystem::path> files = {};
};

/// All that is needed to speak to one API server as somebody.
struct Access {
  std::string context;                       ///< empty in a pod
  std::string space = "default";
  Cluster cluster;
  User user;
};

/// @param file where the text is from: relative paths in it start there. @throws Error H0401, H0402
Kubeconfig parse_kubeconfig(std::string_view text, const std::filesystem::path& file);
/// What `into` has already, it keeps as a whole: the first file wins.
void merge(Kubeconfig& into, Kubeconfig other);

/// The files to read: the one that was asked for, else those of KUBECONFIG, else ~/.kube/config.
struct KubeconfigFiles {
  std::vector<std::filesystem::path> paths;
  bool all_must_exist = false;
};
KubeconfigFiles kubeconfig_files(const Environment&, const std::filesystem::path& asked_for = {});
/// @throws Error H0400, H0401, H0402
Kubeconfig load_kubeconfig(const KubeconfigFiles&);

/// @throws Error H0403 where it, its cluster or its user is not there, H0402 where what it names is no way in
Access access_of(const Kubeconfig&, const std::string& context);
/// As a pod has it. Nothing outside of a pod. @throws Error H0400
std::optional<Access> access_in_cluster(const Environment&);

}  // namespace harmony::k8s
