#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "host/printable.hpp"
#include "k8s/cloud_native_pg.hpp"
#include "k8s/explanation_causes.hpp"
#include "k8s/values.hpp"

namespace harmony::k8s {

namespace json = boost::json;

namespace {

/// The Job that makes a server's first volume, as long as it is not done.
const json::value* first_start(const json::value& cluster, const Objects& related) {
  for (const json::value* job : owned_by(of_kind(related, "batch/Job"), cluster))
    if (label_of(*job, "cnpg.io/jobRole") == "initdb" && number_at(*job, "status.succeeded").value_or(0) == 0)
      return job;
  return nullptr;
}

std::string_view image_of(const json::value& job) {
  const json::array& containers = list_at(job, "spec.template.spec.containers");
  return containers.empty() ? std::string_view{} : text_at(containers.front(), "image");
}

std::string how_to_begin_anew(const json::value& cluster) {
  return fmt::format("kubectl delete --cascade=foreground cluster.postgresql.cnpg.io {} -n {}",
                     host::printable(name_of(cluster)), host::printable(text_at(cluster, "metadata.namespace")));
}

}  // namespace

void judge_first_start(Explanation& cause, const json::value& cluster, const Objects& related) {
  const std::string code = cause.diagnostic.code;
  if (code != "H0450" && code != "H0451") return;  // of any other it may get done, and the correction reaches it then
  const json::value* job = is_cloud_native_pg(cluster) ? first_start(cluster, related) : nullptr;
  if (!job) return;
  const std::string_view image = text_at(cluster, "spec.imageName"), begun = image_of(*job);
  if (begun.empty() || image.empty() || begun == image) {
    cause.diagnostic.notes.push_back(
        "its operator begins the first start of a server only once: where the image has to be another, `" +
        how_to_begin_anew(cluster) + "` before you deploy again; nothing is in it yet");
    return;
  }
  const std::string subject = cause.diagnostic.subject;
  cause = {.diagnostic = {.code = "H0443",
                          .message = fmt::format("the first start of `{}` was begun with another image", subject),
                          .subject = subject,
                          .facts = {{"begun with", host::printable(begun)}, {"wanted", host::printable(image)}},
                          .notes = {cause.diagnostic.message}},
           .prospect = Prospect::hopeless,
           .rule = "its operator begins it only once",
           .is_current = true};
  cause.diagnostic.help = "nothing is in it yet: `" + how_to_begin_anew(cluster) + "`, and deploy again";
}

}  // namespace harmony::k8s
