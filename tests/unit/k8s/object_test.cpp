#include "k8s/object.hpp"

#include "catch.hpp"
#include "k8s/base64.hpp"
#include "k8s/values.hpp"

using namespace harmony::k8s;

TEST_CASE("an object says what it is and how it is called") {
  const auto object = parse_json(
      R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop","generation":3}})");
  REQUIRE(object);
  CHECK(reference_of(*object).text() == "deployment/shop/web");
  CHECK(kind_of(*object).text() == "Deployment (apps/v1)");
  CHECK(kind_of("v1", "Namespace").api_version() == "v1");
  CHECK(number_at(*object, "metadata.generation") == 3);
  CHECK_FALSE(number_at(*object, "metadata.name"));
  CHECK(text_at(*object, "metadata.uid").empty());
  CHECK(find(*object, "metadata.name.deeper") == nullptr);
}

TEST_CASE("JSON is read as deep as objects go, and no deeper") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(parse_json(nested(100)));
  std::string why;
  CHECK_FALSE(parse_json(nested(100'000), &why));
  CHECK(why == "too deep");
  CHECK_FALSE(parse_json("{\"a\": \"\xff\"}"));
  CHECK_FALSE(parse_json("{} {}"));
}

TEST_CASE("base64 is read strictly") {
  CHECK(from_base64("aGFs\nbG8=") == "hallo");
  CHECK(from_base64("") == "");
  for (const char* wrong : {"aGFsbG8", "aGFs bG8=", "aGF-", "=aGF", "a===", "aGFs\tbG8="})
    CHECK_FALSE(from_base64(wrong));
  CHECK(to_base64("hallo") == "aGFsbG8=");
  CHECK(from_base64(to_base64(std::string("\0\xff\x10", 3))) == std::string("\0\xff\x10", 3));
}
