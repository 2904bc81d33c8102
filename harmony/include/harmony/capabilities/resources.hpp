#pragma once

namespace harmony {

/// What each instance of a server gets. 0 says nothing of it. A topology that does not share out what its machines have, as
/// `local`, gives all there is.
struct Resources {
  unsigned millicores = 0;  ///< of processors, kept free for it: 250 is a quarter of one. It may use what others leave.
  unsigned mebibytes = 0;  ///< of memory, kept free for it and the most it gets: one that takes more is ended.
};

}  // namespace harmony
