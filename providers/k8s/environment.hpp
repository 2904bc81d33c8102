#pragma once
/// What a client takes from the process: given to it, so that a test can give another.
#include <filesystem>
#include <map>
#include <string>

namespace harmony::k8s {

struct Environment {
  std::map<std::string, std::string> variables = {};
  std::filesystem::path service_account = "/var/run/secrets/kubernetes.io/serviceaccount";
  /// Empty where it is not set.
  std::string get(const std::string& name) const {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  }
};

Environment process_environment();

}  // namespace harmony::k8s
