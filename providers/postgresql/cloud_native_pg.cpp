#include "postgresql/cloud_native_pg.hpp"

#include <boost/json.hpp>

#include "k8s/cloud_native_pg.hpp"
#include "k8s/manifest.hpp"

namespace harmony::postgresql {

namespace json = boost::json;

namespace {

/// "pg_stat_statements, auto_explain" as a list.
json::array libraries(std::string_view text) {
  json::array all;
  while (!text.empty()) {
    const auto comma = text.find(',');
    std::string_view one = text.substr(0, comma);
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    while (!one.empty() && one.back() == ' ') one.remove_suffix(1);
    if (!one.empty()) all.emplace_back(one);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
  }
  return all;
}

/// Those that the operator keeps to itself it refuses, by its own list: its dry run says so before anything is written.
json::object settings_of(const std::map<std::string, std::string>& wanted) {
  json::object settings, parameters;
  for (const auto& [name, value] : wanted)
    if (name == "shared_preload_libraries") settings[name] = libraries(value);
    else parameters[name] = value;
  if (!parameters.empty()) settings["parameters"] = std::move(parameters);
  return settings;
}

}  // namespace

k8s::ObjectSet cloud_native_pg(const PostgreSqlServer& wanted, const std::string& image, const std::string& superuser) {
  json::object cluster =
      k8s::named(k8s::cloud_native_pg_cluster.api_version(), k8s::cloud_native_pg_cluster.kind, wanted.instance);
  cluster["metadata"].get_object()["annotations"] = {{k8s::hibernation, "off"}};
  // Made as our own are. Owned by the superuser, so that the operator makes no application's database of its own choice.
  const json::value begun{{"initdb",
                           {{"database", "postgres"},
                            {"owner", "postgres"},
                            {"secret", {{"name", superuser}}},
                            {"dataChecksums", true},
                            {"encoding", "UTF8"},
                            {"localeCollate", "C.UTF-8"},
                            {"localeCType", "C.UTF-8"}}}};
  // How many instances is nobody's decision but the cluster's: one, unless somebody scales it.
  json::object spec{{"bootstrap", begun},
                    {"enableSuperuserAccess", true},
                    {"superuserSecret", {{"name", superuser}}},
                    {"smartShutdownTimeout", 1}};  // its clients do not go by themselves
  if (!image.empty()) spec["imageName"] = image;
  if (json::object settings = settings_of(wanted.settings); !settings.empty()) spec["postgresql"] = std::move(settings);
  k8s::give(spec, wanted.resources);
  cluster["spec"] = std::move(spec);
  return {{.object = std::move(cluster), .holds_data = true, .at_rest = {{std::string(k8s::hibernation), "on"}}}};
}

}  // namespace harmony::postgresql
