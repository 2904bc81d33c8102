#pragma once
#include <chrono>
#include <string>
#include <string_view>

namespace harmony::cli {

/// The group of one deployment in a Pushgateway. Its key is job, deployment and topology, never a host: the result of
/// a deploy belongs to the service, wherever it was deployed from.
class PushGroup {
 public:
  /// @param gateway "http://host:9091", a path prefix and https allowed.
  /// @throws Error H0702 where it is no such URL.
  PushGroup(std::string_view gateway, std::string_view deployment, std::string_view topology);

  /// Replaces the group. @throws Error H0703
  void replace(std::string_view exposition) const;
  /// Takes the group away; fine where there is none. @throws Error H0703
  void remove() const;

  const std::string& url() const { return url_; }  ///< of the group; may hold a password
  void set_limit(std::chrono::milliseconds limit) { limit_ = limit; }

 private:
  void send(const char* method, std::string_view body) const;
  std::string url_, shown_;
  std::chrono::milliseconds limit_{5000};
};

/// One step of a group's path: "deployment/guestbook", or "deployment@base64/YS9i" where the value could be mistaken
/// for a part of the path.
std::string group_label(std::string_view name, std::string_view value);

}  // namespace harmony::cli
