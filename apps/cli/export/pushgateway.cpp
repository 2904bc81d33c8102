#include "pushgateway.hpp"

#include <algorithm>
#include <cctype>
#include <memory>

#include <curl/curl.h>
#include <fmt/format.h>

#include "harmony/error.hpp"

namespace harmony::cli {
namespace {

constexpr std::size_t most_answer = 512;

bool is_plain(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' || c == '~';
}

/// Of RFC 4648, section 5; an empty value is a single `=`, as Pushgateway wants it.
std::string base64url(std::string_view value) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  if (value.empty()) return "=";
  std::string text;
  unsigned bits = 0;
  int count = 0;
  for (const char c : value) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) text += digits[bits >> (count - 6) & 63];
  }
  if (count > 0) text += digits[bits << (6 - count) & 63];
  return text;
}

std::string strip_password(const std::string& url) {
  const auto host = url.find("://") + 3;
  const auto at = url.substr(0, url.find('/', host)).rfind('@');
  return at == std::string::npos ? url : url.substr(0, host) + url.substr(at + 1);
}

/// What a server says is data: on one line, and not too long.
std::string printable(std::string text) {
  std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 || c >= 0x7F; }, ' ');
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

std::size_t keep_begin(char* data, std::size_t size, std::size_t count, void* into) {
  auto& answer = *static_cast<std::string*>(into);
  answer.append(data, std::min(size * count, most_answer - answer.size()));
  return size * count;
}

void start_curl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK) throw InternalError("libcurl does not start");
}

struct FreeHeaders {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

}  // namespace

std::string group_label(std::string_view name, std::string_view value) {
  const bool plain = !value.empty() && value != "." && value != ".." && std::ranges::all_of(value, is_plain);
  return plain ? fmt::format("{}/{}", name, value) : fmt::format("{}@base64/{}", name, base64url(value));
}

PushGroup::PushGroup(std::string_view gateway, std::string_view deployment, std::string_view topology) {
  start_curl();
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed{curl_url(), curl_url_cleanup};
  const std::string text{gateway};
  const auto has = [&](CURLUPart part) {
    char* value = nullptr;
    const bool found = curl_url_get(parsed.get(), part, &value, 0) == CURLUE_OK;
    curl_free(value);
    return found;
  };
  const bool http = text.starts_with("http://") || text.starts_with("https://");
  if (!http || curl_url_set(parsed.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK || has(CURLUPART_QUERY) ||
      has(CURLUPART_FRAGMENT))
    throw Error({.code = "H0702",
                 .category = Category::usage,
                 .message = "the URL of the Pushgateway is none",
                 .help = "give --push-gateway a URL like `http://pushgateway.example:9091`, with http or https"});
  const std::string base = text.substr(0, text.find_last_not_of('/') + 1);
  url_ = fmt::format("{}/metrics/job/harmony/{}/{}", base, group_label("deployment", deployment),
                     group_label("topology", topology));
  shown_ = strip_password(base);
}

void PushGroup::replace(std::string_view exposition) const { send("PUT", exposition); }
void PushGroup::remove() const { send("DELETE", {}); }

void PushGroup::send(const char* method, std::string_view body) const {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl{curl_easy_init(), curl_easy_cleanup};
  if (!curl) throw InternalError("libcurl gives no handle");
  std::string answer;
  char cause[CURL_ERROR_SIZE] = "";
  const std::unique_ptr<curl_slist, FreeHeaders> headers{
      curl_slist_append(curl_slist_append(nullptr, "Content-Type: text/plain; version=0.0.4"), "Expect:")};
  const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(curl.get(), option, value); };
  set(CURLOPT_URL, url_.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_CUSTOMREQUEST, method);
  if (!body.empty()) {
    set(CURLOPT_POSTFIELDS, body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  }
  set(CURLOPT_HTTPHEADER, headers.get());
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));  // HTTP/2 is right from libcurl 8 on only
  set(CURLOPT_USERAGENT, "harmony");
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(limit_.count()));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_WRITEFUNCTION, keep_begin);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&answer));
  set(CURLOPT_ERRORBUFFER, cause);
  const CURLcode result = curl_easy_perform(curl.get());
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (result == CURLE_OK && (status == 200 || status == 202)) return;
  Diagnostic failed{
      .code = "H0703",
      .category = Category::unreachable,
      .message = "the metrics were not pushed",
      .facts = {{"pushgateway", shown_}},
      .help = "the deploy is not affected; the Pushgateway shows the metrics of the run before until the next one"};
  if (result != CURLE_OK) failed.facts.emplace_back("cause", cause[0] ? printable(cause) : curl_easy_strerror(result));
  else
    failed.facts.emplace_back("cause",
                              fmt::format("it answered {}{}{}", status, answer.empty() ? "" : ": ", printable(answer)));
  throw Error(std::move(failed));
}

}  // namespace harmony::cli
