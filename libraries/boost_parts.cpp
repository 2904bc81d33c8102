/// Asio and Beast are compiled once, here: who includes them depends on `boost_beast`.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
