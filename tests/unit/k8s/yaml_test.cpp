#include "k8s/yaml.hpp"

#include <boost/json/serialize.hpp>

#include "catch.hpp"

using namespace harmony::k8s;

namespace {

std::string json_of(const std::string& text) { return boost::json::serialize(to_json(parse_yaml(text).at(0))); }

/// "3: a key is there twice"; empty where nothing is wrong.
std::string mistake_in(const std::string& text) {
  try {
    for (const Yaml& document : parse_yaml(text)) to_json(document);
    return {};
  } catch (const YamlMistake& mistake) {
    return std::to_string(mistake.line()) + ": " + mistake.what();
  }
}

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("plain scalars have the types that Kubernetes reads") {
  CHECK(json_of("[no, 'no', On, y, true, FALSE]") == R"([false,"no",true,true,true,false])");
  CHECK(json_of("[1, -2, 0777, 0x1f, 0b11, 1_000, +3]") == R"([1,-2,511,31,3,1000,3])");
  CHECK(json_of("[18446744073709551615, 9223372036854775807, -9223372036854775807]") ==
        R"([18446744073709551615,9223372036854775807,-9223372036854775807])");
  CHECK(json_of("[1.5, -2.5e-1, .5]") == "[1.5E0,-2.5E-1,5E-1]");
  CHECK(json_of("[null, ~, , Null]") == "[null,null,null,null]");
  CHECK(json_of("[1.2.3, 10.0.0.1, 1Gi, =, -, a:b, 0x, \"1\"]") ==
        R"(["1.2.3","10.0.0.1","1Gi","=","-","a:b","0x","1"])");
  CHECK(mistake_in("a: .nan") == "1: JSON has no such number");
}

TEST_CASE("documents, lines and folded texts") {
  const auto documents = parse_yaml("a: 1\n---\n- |\n  two\n  lines\n- >-\n  folded\n  text\n");
  REQUIRE(documents.size() == 2);
  CHECK(documents[1].items.at(0).scalar == "two\nlines\n");
  CHECK(documents[1].items.at(1).scalar == "folded text");
  CHECK(documents[1].items.at(1).line == 6);
  CHECK(parse_yaml("").empty());
}

TEST_CASE("what stands there twice, or is no key, is a mistake with its line") {
  CHECK(mistake_in("a: 1\nb: 2\na: 3\n") == "3: a key is there twice");
  CHECK(mistake_in("? [a]\n: 1\n") == "1: a key is no text");
  CHECK(mistake_in("a: &x {b: 1}\nc:\n  <<: *x\n") == "3: merge keys (`<<`) are not read");
  CHECK(mistake_in("a: b: c\n") == "1: illegal map value");
  CHECK(mistake_in("a:\n\t- b\n").starts_with("2: "));
  CHECK(mistake_in(std::string("a: b\n\0", 6)) == "2: it is no UTF-8 text");
  CHECK(mistake_in(std::string("\xff\xfe"
                               "a\0:\0",
                               6)) == "1: it is no UTF-8 text");
}

TEST_CASE("aliases are read, but neither one that holds itself nor ones that multiply") {
  CHECK(json_of("a: &x [1, 2]\nb: *x\n") == R"({"a":[1,2],"b":[1,2]})");
  CHECK(mistake_in("&x [*x]") == "1: an alias stands inside of what it stands for");
  const std::string undefined = "1: the referenced anchor is not defined";
  CHECK((mistake_in("*x") == undefined || mistake_in("*x") == undefined + ": x"));  // a newer yaml-cpp names it
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i)
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" +
            repeated("*a" + std::to_string(i - 1) + ", ", 9) + "]\n";
  CHECK(mistake_in(bomb).find("it holds more than 500000 values") != std::string::npos);
}

TEST_CASE("nesting has an end, however it is written") {
  CHECK(mistake_in(repeated("[", 90) + repeated("]", 90)).empty());
  CHECK(mistake_in(repeated("[", 101) + repeated("]", 101)) == "1: values are nested more than 100 levels deep");
  CHECK_FALSE(mistake_in(repeated("[", 100'000)).empty());
  CHECK_FALSE(mistake_in(repeated("- ", 100'000) + "x").empty());
  CHECK_FALSE(mistake_in(repeated("{a: ", 100'000)).empty());
  std::string grown = "a0: &a0 [x]\n";
  for (int i = 1; i < 120; ++i)
    grown += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  CHECK(mistake_in(grown).find("100 levels") != std::string::npos);
}
