#include "k8s/server_version.hpp"

#include <charconv>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "k8s/values.hpp"

namespace harmony::k8s {

namespace {

int leading_number(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

ServerVersion server_version(std::string_view body) {
  boost::system::error_code failed;
  const boost::json::value said = boost::json::parse(body, failed);
  if (failed) return {};
  return {leading_number(text_at(said, "major")), leading_number(text_at(said, "minor"))};
}

}  // namespace harmony::k8s
