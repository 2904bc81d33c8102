#include "k8s/levels.hpp"

#include <array>
#include <map>
#include <string>

#include <boost/json.hpp>

#include "k8s/object.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace {

enum Level { space, definition, configuration, service, workload, route, webhook };

Level level_of(const boost::json::value& object) {
  static const std::map<std::string, Level> levels{{"Namespace", space},
                                                   {"CustomResourceDefinition", definition},
                                                   {"Service", service},
                                                   {"Deployment", workload},
                                                   {"StatefulSet", workload},
                                                   {"DaemonSet", workload},
                                                   {"Job", workload},
                                                   {"CronJob", workload},
                                                   {"Pod", workload},
                                                   {"Ingress", route},
                                                   {"HTTPRoute", route},
                                                   {"Route", route},
                                                   {"ValidatingWebhookConfiguration", webhook},
                                                   {"MutatingWebhookConfiguration", webhook}};
  const auto found = levels.find(std::string(text_at(object, "kind")));
  return found == levels.end() ? configuration : found->second;
}

}  // namespace

std::vector<std::vector<const Manifest*>> levels_of(const ObjectSet& set) {
  std::vector<std::vector<const Manifest*>> all(webhook + 1);
  for (const Manifest& manifest : set) all[level_of(manifest.object)].push_back(&manifest);
  return all;
}

}  // namespace harmony::k8s
