#include "k8s/dial.hpp"

#include "harmony/error.hpp"

namespace harmony::k8s {

Dial::Dial(const Scope& at, const Destination& to, Credential credential, std::string_view doing)
    : destination_(to),
      credential_(std::move(credential)),
      multi_(curl_multi_init(), curl_multi_cleanup),
      easy_(curl_easy_init(), curl_easy_cleanup),
      doing_(doing) {
  at.check();
  if (!multi_ || !easy_) throw InternalError("libcurl cannot start");
  route_ = direct(easy_.get(), destination_, credential_, "/");
  curl_easy_setopt(easy_.get(), CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(easy_.get(), CURLOPT_ERRORBUFFER, detail_.data());
  const auto code = perform(multi_.get(), easy_.get(), at.stop(), tells_slow(at, destination_));
  if (!code) throw Stopped();
  if (*code != CURLE_OK) throw failure_of(easy_.get(), *code, detail_.data(), destination_, doing);
  curl_socket_t socket = CURL_SOCKET_BAD;
  curl_easy_getinfo(easy_.get(), CURLINFO_ACTIVESOCKET, &socket);
  if (socket == CURL_SOCKET_BAD) throw InternalError("libcurl tells no socket");
  socket_ = static_cast<int>(socket);
}

Dial::~Dial() {
  if (easy_ && multi_) curl_multi_remove_handle(multi_.get(), easy_.get());
  easy_.reset();
}

Dial::Moved Dial::moved(CURLcode code, std::size_t bytes) {
  if (code == CURLE_AGAIN) return {State::not_now};
  if (code == CURLE_OK) return {State::done, bytes};
  broken_ = code;
  return {State::ended};
}

std::optional<ConnectionError> Dial::failure() const {
  if (broken_ == CURLE_OK) return std::nullopt;
  return failure_of(easy_.get(), broken_, detail_.data(), destination_, doing_);
}

Dial::Moved Dial::read(void* to, std::size_t room) {
  std::size_t bytes = 0;
  const CURLcode code = curl_easy_recv(easy_.get(), to, room, &bytes);
  return code == CURLE_OK && bytes == 0 ? Moved{State::ended} : moved(code, bytes);
}

Dial::Moved Dial::write(const void* from, std::size_t size) {
  std::size_t bytes = 0;
  const CURLcode code = curl_easy_send(easy_.get(), from, size, &bytes);
  return moved(code, bytes);
}

}  // namespace harmony::k8s
