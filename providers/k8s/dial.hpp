#pragma once
/// A bare connection to an API server for other things than requests: reached, encrypted and checked by the same code.
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <curl/curl.h>

#include "harmony/scope.hpp"
#include "k8s/credentials.hpp"
#include "k8s/destination.hpp"
#include "k8s/transport.hpp"

namespace harmony::k8s {

/// Not thread-safe; both ways never block.
class Dial {
 public:
  /// @param doing for errors: "GET /api/…". @throws ConnectionError, Stopped
  Dial(const Scope&, const Destination&, Credential, std::string_view doing);
  ~Dial();
  Dial(const Dial&) = delete;
  Dial& operator=(const Dial&) = delete;

  enum class State { done, not_now, ended };
  struct Moved {
    State state;
    std::size_t bytes = 0;
  };
  Moved read(void* to, std::size_t room);
  Moved write(const void* from, std::size_t size);
  int socket() const { return socket_; }
  /// Why it broke, where a read or a write found it broken: with TLS 1.3 a server may refuse us only then.
  std::optional<ConnectionError> failure() const;

 private:
  const Destination destination_;
  const Credential credential_;  ///< the handle refers to it
  CurlList route_{nullptr, curl_slist_free_all};
  std::array<char, CURL_ERROR_SIZE> detail_{};
  std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi_;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy_;
  const std::string doing_;
  CURLcode broken_ = CURLE_OK;
  Moved moved(CURLcode, std::size_t bytes);
  int socket_ = -1;
};

}  // namespace harmony::k8s
