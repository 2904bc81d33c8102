#include "postgresql/score.hpp"

namespace harmony {

void PostgresScore::interpret(Context<needs>& in) const {
  in.use<PostgreSql>().ensure(
      in, {.instance = instance, .databases = {database}, .settings = settings, .resources = resources});
}

}  // namespace harmony
