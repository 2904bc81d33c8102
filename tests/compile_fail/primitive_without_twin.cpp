// expect: harmony: primitive P has no rehearsed twin
// names: Lamp
#include "harmony/primitive.hpp"

class RehearsedLamp;

class Lamp : public harmony::Primitive {
 public:
#ifndef WRONG
  using twin = RehearsedLamp;
#endif
  virtual void ensure_lit(harmony::Scope&) = 0;
};

class RehearsedLamp : public Lamp {
 public:
  RehearsedLamp(std::shared_ptr<Lamp>, harmony::Rehearsal&);
  std::string_view primitive() const override;
  void remove(harmony::Scope&, const harmony::LedgerEntry&) override;
  harmony::Observation observe(harmony::Scope&, const harmony::LedgerEntry&) override;
  std::string read_again(harmony::Scope&, std::string_view) override;
  void ensure_lit(harmony::Scope&) override;
};

std::shared_ptr<Lamp> rehearsed(std::shared_ptr<Lamp> real, harmony::Rehearsal& rehearsal) {
  return harmony::twin_of(real, rehearsal);
}
