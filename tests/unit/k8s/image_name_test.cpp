#include <string>

#include "catch.hpp"
#include "k8s/image_name.hpp"

using harmony::k8s::is_image_name;

TEST_CASE("names of images that a kubelet can read") {
  for (const char* good :
       {"nats", "nats:2.11", "library/postgres:17", "localhost/harmony/guestbook:846d314027d1",
        "registry:5000/a/b__c/d---e:_x.Y-z", "Registry.Example/shop/web", "[fd00::1]:5000/web",
        "web@sha256:0123456789abcdef0123456789abcdef", "a.example/web:1@sha512+b.c:0123456789abcdef0123456789ABCDEF"})
    CHECK((is_image_name(good) ? "good" : std::string("bad: ") + good) == "good");
}

TEST_CASE("names of images that no kubelet can read") {
  for (const std::string& bad : std::vector<std::string>{"",
                                                         " ",
                                                         "web:",
                                                         "web:1:2",
                                                         "Web",
                                                         "shop/Web",
                                                         "web::1",
                                                         "web:-x",
                                                         "web:a b",
                                                         "/web",
                                                         "web/",
                                                         "a//b",
                                                         "https://registry.example/web",
                                                         "web@sha256:0123",
                                                         "web@sha256",
                                                         "a_-b",
                                                         "-web",
                                                         "web-",
                                                         "web\n",
                                                         "w\xc3\xa4"
                                                         "b",
                                                         "web:" + std::string(129, 'x'),
                                                         std::string(513, 'a')})
    CHECK((is_image_name(bad) ? "good: " + bad : std::string("bad")) == "bad");
}
