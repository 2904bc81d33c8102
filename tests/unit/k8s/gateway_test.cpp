#include "k8s/gateway.hpp"

#include "catch.hpp"
#include "k8s/label_selector.hpp"
#include "recorded.hpp"

using namespace harmony::k8s;

namespace {

const boost::json::object labels =
    recorded::parse(R"({"kubernetes.io/metadata.name":"shop","team":"web"})").as_object();

/// What a Gateway of namespace `infra` says of a route of namespace `shop`: empty where it takes it.
std::string refusal(const std::string& listener, const std::string& host = "shop.example") {
  const std::string gateway =
      R"({"metadata":{"namespace":"infra","name":"public"},"spec":{"listeners":[{"name":"web",)" + listener +
      R"(}]},"status":{"conditions":[{"type":"Accepted","status":"True"}]}})";
  const GatewayOffer offer =
      offer_of(recorded::parse(gateway), {.space = "shop", .space_labels = labels, .host = host});
  CHECK(offer.takes == offer.refusals.empty());
  return offer.takes ? "" : offer.refusals.front().first + " " + offer.refusals.front().second;
}
std::string from(const std::string& namespaces) {
  return R"("protocol":"HTTP","port":80,"allowedRoutes":{"namespaces":)" + namespaces + "}";
}

}  // namespace

TEST_CASE("a listener takes the routes that it says it takes") {
  struct Row {
    std::string listener;
    const char* refusal;
  };
  const std::string any = R"("allowedRoutes":{"namespaces":{"from":"All"}})";
  const std::vector<Row> rows{
      {from(R"({"from":"All"})"), ""},
      {from(R"({"from":"Same"})"), "listener web takes routes of its own namespace only"},
      {from("{}"), "listener web takes routes of its own namespace only"},
      {R"("protocol":"HTTP","port":80)", "listener web takes routes of its own namespace only"},
      {from(R"({"from":"None"})"), "listener web takes routes of no namespace"},
      {from(R"({"from":"Selector","selector":{"matchLabels":{"team":"web"}}})"), ""},
      {from(R"({"from":"Selector","selector":{"matchLabels":{"team":"other"}}})"),
       "listener web takes routes of namespaces with labels that `shop` lacks"},
      {from(R"({"from":"Selector"})"), "listener web takes routes of namespaces with labels that `shop` lacks"},
      {R"("protocol":"TCP","port":80,)" + any, "listener web speaks TCP"},
      {R"("protocol":"HTTP","port":80,"hostname":"*.example",)" + any, ""},
      {R"("protocol":"HTTP","port":80,"hostname":"other.example",)" + any,
       "listener web is for the host other.example"},
      {R"("protocol":"HTTP","port":80,"allowedRoutes":{"kinds":[{"kind":"GRPCRoute"}],"namespaces":{"from":"All"}})",
       "listener web takes no HTTPRoute"},
      {R"("protocol":"HTTP","port":80,"allowedRoutes":{"kinds":[{"kind":"HTTPRoute"}],"namespaces":{"from":"All"}})",
       ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.listener);
    CHECK(refusal(row.listener) == row.refusal);
  }
  CHECK(refusal(R"("protocol":"HTTP","port":80,"hostname":"other.example",)" + any, "").empty());
}

TEST_CASE("a host name with a star stands for all below it") {
  CHECK(fits_host("*.example", "shop.example"));
  CHECK(fits_host("*.example", "a.shop.example"));
  CHECK_FALSE(fits_host("*.example", "example"));
  CHECK_FALSE(fits_host("*.example", ".example"));
  CHECK_FALSE(fits_host("*.example", "shop.example.org"));
  CHECK_FALSE(fits_host("shop.example", "a.shop.example"));
  CHECK(fits_host("", "shop.example"));
}

TEST_CASE("labels are selected as the API machinery does it") {
  const auto selected = [](const char* selector) { return selects(recorded::parse(selector), labels); };
  const auto by = [&](const std::string& expression) {
    return selected((R"({"matchExpressions":[)" + expression + "]}").c_str());
  };
  CHECK(selected("{}"));
  CHECK(selected(R"({"matchLabels":{"team":"web","kubernetes.io/metadata.name":"shop"}})"));
  CHECK_FALSE(selected(R"({"matchLabels":{"team":"web","absent":"x"}})"));
  CHECK(by(R"({"key":"team","operator":"In","values":["db","web"]})"));
  CHECK_FALSE(by(R"({"key":"team","operator":"In","values":["db"]})"));
  CHECK_FALSE(by(R"({"key":"absent","operator":"In","values":["db"]})"));
  CHECK(by(R"({"key":"team","operator":"NotIn","values":["db"]})"));
  CHECK(by(R"({"key":"absent","operator":"NotIn","values":["db"]})"));
  CHECK_FALSE(by(R"({"key":"team","operator":"NotIn","values":["web"]})"));
  CHECK(by(R"({"key":"team","operator":"Exists"})"));
  CHECK_FALSE(by(R"({"key":"absent","operator":"Exists"})"));
  CHECK(by(R"({"key":"absent","operator":"DoesNotExist"})"));
  CHECK_FALSE(by(R"({"key":"team","operator":"DoesNotExist"})"));
  CHECK_FALSE(by(R"({"key":"team","operator":"Gt","values":["1"]})"));
  CHECK_FALSE(
      selected(R"({"matchLabels":{"team":"web"},"matchExpressions":[{"key":"team","operator":"DoesNotExist"}]})"));
}
