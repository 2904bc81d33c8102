#include "workloads/route_choice.hpp"

#include <boost/json.hpp>

#include "catch.hpp"
#include "harmony/error.hpp"

using namespace harmony;
using namespace harmony::workloads;
namespace json = boost::json;

namespace {

constexpr auto is_default = R"("annotations":{"ingressclass.kubernetes.io/is-default-class":"true"},)";

std::string ingress_class(const std::string& name, const std::string& annotations = "") {
  return R"({"metadata":{)" + annotations + R"("name":")" + name + R"("}})";
}

/// @param allowed what its one listener says of namespaces
std::string gateway(const std::string& space, const std::string& name, const std::string& allowed,
                    const std::string& accepted = "True") {
  return R"({"metadata":{"namespace":")" + space + R"(","name":")" + name +
         R"("},"spec":{"listeners":[{"name":"web","protocol":"HTTP","port":80,"allowedRoutes":{"namespaces":)" +
         allowed + R"(}}]},"status":{"conditions":[{"type":"Accepted","status":")" + accepted +
         R"(","reason":"Told"}]}})";
}
const std::string all = R"({"from":"All"})", same = R"({"from":"Same"})";

k8s::Others seen(const std::vector<std::string>& objects) {
  k8s::Others made{.served = true, .allowed = true};
  for (const std::string& one : objects) made.objects.push_back(json::parse(one));
  return made;
}
const k8s::Others hidden{.served = true}, none{};

Route route(std::string host = "shop.example") {
  return {.instance = "shop", .workload = "shop", .host = std::move(host)};
}

/// "Gateway infra/public at http://shop.example", or the code of the error and what it is about.
std::string chosen(const RouteOptions& options, const Route& route, const RouteOffers& offers) {
  try {
    const ChosenRoute made = choose(options, route, "shop", offers);
    const auto url = made.url(route.host);
    return made.text() + (url ? " at " + *url : "");
  } catch (const Error& error) {
    std::string text = error.data().code + ": " + error.data().message;
    for (const auto& [key, value] : error.data().facts) text += "; " + key + ": " + value;
    return text;
  }
}

std::string refused(const std::string& kind, const std::string& ingress_class, const std::string& gateway) {
  try {
    (void)route_options(kind, ingress_class, gateway);
    return {};
  } catch (const Error& error) {
    CHECK(error.data().category == Category::usage);
    return error.data().code + ": " + error.data().message;
  }
}

}  // namespace

TEST_CASE("without a word the first way in is taken that the cluster has") {
  struct Row {
    const char* what;
    RouteOffers offers;
    const char* chosen;
  };
  const std::string web = ingress_class("web"), other = ingress_class("other");
  const std::vector<Row> rows{
      {"nothing", {}, "Service"},
      {"nothing that may be seen",
       {.gateways = hidden, .ingress_classes = hidden},
       "Service; what else there is may not be seen"},
      {"a class, and Gateways that may not be seen",
       {.gateways = hidden, .ingress_classes = seen({web})},
       "Ingress, class web at http://shop.example"},
      {"all of it",
       {.openshift = true, .gateways = seen({gateway("infra", "a", all)}), .ingress_classes = seen({web})},
       "OpenShift Route at http://shop.example"},
      {"a Gateway and a class",
       {.gateways = seen({gateway("infra", "a", all)}), .ingress_classes = seen({web})},
       "Gateway infra/a at http://shop.example"},
      {"a Gateway of others, and a class",
       {.gateways = seen({gateway("infra", "a", same)}), .ingress_classes = seen({web})},
       "Ingress, class web at http://shop.example"},
      {"a Gateway that nobody runs",
       {.gateways = seen({gateway("infra", "a", all, "Unknown")}), .ingress_classes = none},
       "Service"},
      {"a Gateway of its own",
       {.gateways = seen({gateway("shop", "a", same)})},
       "Gateway shop/a at http://shop.example"},
      {"one Gateway of two",
       {.gateways = seen({gateway("infra", "a", same), gateway("infra", "b", all)})},
       "Gateway infra/b at http://shop.example"},
      {"two Gateways",
       {.gateways = seen({gateway("infra", "a", all), gateway("shop", "b", same)}), .ingress_classes = seen({web})},
       "H0267: 2 Gateways could lead to route `shop`; there are: infra/a, shop/b"},
      {"a default class",
       {.ingress_classes = seen({other, ingress_class("web", is_default)})},
       "Ingress, class web at http://shop.example"},
      {"two classes",
       {.ingress_classes = seen({other, web})},
       "H0267: 2 IngressClasses could lead to route `shop`; there are: other, web"},
      {"two default classes",
       {.ingress_classes = seen({ingress_class("a", is_default), ingress_class("b", is_default), web})},
       "H0267: 2 default IngressClasses could lead to route `shop`; there are: a, b"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(chosen({}, route(), row.offers) == row.chosen);
    CHECK(chosen({}, route(""), row.offers) == "Service");
    CHECK(chosen({.kind = RouteKind::service}, route(), row.offers) == "Service");
  }
}

TEST_CASE("what was asked for is made, or is an error") {
  struct Row {
    RouteOptions options;
    RouteOffers offers;
    const char* chosen;
  };
  const RouteOptions ingress = route_options("ingress", "", ""), gateways = route_options("gateway", "", ""),
                     openshift = route_options("openshift", "", ""), web = route_options("", "web", ""),
                     public_one = route_options("", "", "infra/public"), own = route_options("", "", "public");
  const std::vector<Row> rows{
      {openshift, {.openshift = true}, "OpenShift Route at http://shop.example"},
      {openshift, {}, "H0266: the cluster has no Routes of OpenShift (route.openshift.io/v1)"},
      {ingress, {.ingress_classes = seen({ingress_class("a")})}, "Ingress, class a at http://shop.example"},
      {ingress, {.ingress_classes = hidden}, "Ingress, default class at http://shop.example"},
      {ingress,
       {.ingress_classes = seen({})},
       "H0266: the cluster has no IngressClass, so nobody acts upon an Ingress"},
      {web, {.ingress_classes = seen({ingress_class("web")})}, "Ingress, class web at http://shop.example"},
      {web, {.ingress_classes = hidden}, "Ingress, class web at http://shop.example"},
      {web, {.ingress_classes = seen({})}, "H0266: there is no IngressClass `web`"},
      {gateways, {}, "H0266: the cluster has no Gateway API (gateway.networking.k8s.io/v1)"},
      {gateways, {.gateways = hidden}, "H0266: you may not see which Gateways the cluster has"},
      {gateways, {.gateways = seen({})}, "H0266: no Gateway of the cluster takes routes of namespace `shop`"},
      {gateways,
       {.gateways = seen({gateway("infra", "a", same)})},
       "H0266: no Gateway of the cluster takes routes of namespace `shop`; infra/a: listener web takes routes of its "
       "own "
       "namespace only"},
      {public_one,
       {.gateways = seen({gateway("infra", "public", all)})},
       "Gateway infra/public at http://shop.example"},
      {public_one, {.gateways = hidden}, "Gateway infra/public at http://shop.example"},
      {public_one, {.gateways = seen({})}, "H0266: there is no Gateway `infra/public`"},
      {public_one,
       {.gateways = seen({gateway("infra", "public", all, "False")})},
       "H0266: Gateway `infra/public` does not take this route; infra/public: Gateway no controller has accepted it: "
       "Told"},
      {own, {.gateways = hidden}, "Gateway shop/public at http://shop.example"},
      {own, {.gateways = seen({})}, "H0266: there is no Gateway `shop/public`"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.chosen);
    CHECK(chosen(row.options, route(), row.offers) == row.chosen);
  }
  CHECK(chosen(ingress, route(""), {.ingress_classes = seen({ingress_class("a")})}) == "Ingress, class a");
}

TEST_CASE("the listener's port and protocol are part of the address") {
  const auto at = [](const std::string& listeners) {
    const std::string text = R"({"metadata":{"namespace":"shop","name":"a"},"spec":{"listeners":)" + listeners +
                             R"(},"status":{"conditions":[{"type":"Accepted","status":"True"}]}})";
    return chosen({}, route(), {.gateways = seen({text})});
  };
  CHECK(at(R"([{"name":"a","protocol":"HTTP","port":8000}])") == "Gateway shop/a at http://shop.example:8000");
  CHECK(at(R"([{"name":"a","protocol":"HTTPS","port":443}])") == "Gateway shop/a at https://shop.example");
  CHECK(at(R"([{"name":"a","protocol":"HTTPS","port":443},{"name":"b","protocol":"HTTP","port":80}])") ==
        "Gateway shop/a at http://shop.example");
}

TEST_CASE("options that make no sense are refused before anything is asked") {
  CHECK(refused("", "", "").empty());
  CHECK(refused("proxy", "", "") == "H0268: `--route proxy` is no kind of route");
  CHECK(refused("service", "web", "") == "H0268: `--ingress-class` does not go with another kind of route");
  CHECK(refused("ingress", "", "public") == "H0268: `--gateway` does not go with another kind of route");
  CHECK(refused("", "web", "public") == "H0268: `--gateway` does not go with another kind of route");
  CHECK(refused("ingress", "web", "").empty());
  CHECK(refused("gateway", "", "infra/public").empty());
  for (const char* wrong : {"a/b/c", "/a", "a/"})
    CHECK(refused("", "", wrong) == std::string("H0268: `--gateway ") + wrong + "` names no Gateway");
}
