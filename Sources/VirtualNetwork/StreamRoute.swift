import SansIO

/// The boxes that a connection goes through, and who is at its end.
struct StreamRoute {
  /// On the side of who opened it, the innermost first.
  var exits: [Int] = []
  /// On the other side, the outermost first.
  var entries: [Int] = []
  var host: Int
  /// The address that was called, as its owner has it.
  var inside: TransportAddress
}

extension Middleboxes {
  /// The way of a connection through boxes, as it stands when it is opened.
  ///
  /// - Returns: nil when nobody can be reached at the address.
  func route(from host: Int, to destination: TransportAddress, _ topology: inout Topology) -> StreamRoute? {
    guard !isEmpty else {
      let target = topology.host(of: destination.address)
      return target < 0 ? nil : StreamRoute(host: target, inside: destination)
    }
    var (exits, region, wanted): ([Int], Int?, TransportAddress) = ([], first(of: host), destination)
    while let box = region, !contains(box, topology.host(of: wanted.address)) {
      guard let outside = translated(box, wanted) else { return nil }
      (wanted, region) = (outside, next(after: box))
      exits.append(box)
    }
    var entries: [Int] = []
    while let place = self.place(of: topology.host(of: wanted.address), inside: region) {
      guard case .box(let box) = place else {
        return StreamRoute(exits: exits, entries: entries, host: topology.host(of: wanted.address), inside: wanted)
      }
      entries.append(box)
      if outside(box) != nil {
        // Without a forward the NAT itself is called, and answers nothing.
        guard let inside = forward(box, wanted.port) else {
          return StreamRoute(exits: exits, entries: entries, host: self.host(box), inside: wanted)
        }
        wanted = inside
      }
      region = box
    }
    return nil
  }
}
