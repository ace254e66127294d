import SansIO

/// Sockets by the number that their host gave their port: looked up for every datagram.
///
/// Numbers are a host's own and close together in their low bits, so these are the place (open addressing, linear probing).
struct PortTable {
  private struct Slot {
    let port: PortID
    let socket: DatagramSocket
  }

  private var slots = ContiguousArray<Slot?>(repeating: nil, count: 64)
  private(set) var count = 0

  var sockets: [DatagramSocket] { slots.compactMap { $0?.socket } }

  subscript(port: PortID) -> DatagramSocket? {
    var place = home(port)
    while let slot = slots[place] {
      if slot.port == port { return slot.socket }
      place = after(place)
    }
    return nil
  }

  mutating func set(_ port: PortID, _ socket: DatagramSocket) {
    if count * 2 >= slots.count { grow() }
    var place = home(port)
    while let slot = slots[place], slot.port != port { place = after(place) }
    if slots[place] == nil { count += 1 }
    slots[place] = Slot(port: port, socket: socket)
  }

  mutating func remove(_ port: PortID) -> DatagramSocket? {
    var place = home(port)
    while let slot = slots[place], slot.port != port { place = after(place) }
    guard let socket = slots[place]?.socket else { return nil }
    slots[place] = nil
    count -= 1
    closeGap(place)
    return socket
  }

  /// Whoever was pushed past the gap moves up.
  private mutating func closeGap(_ gap: Int) {
    var gap = gap
    var place = after(gap)
    while let slot = slots[place] {
      let distance = (place - home(slot.port)) & (slots.count - 1)
      if distance >= (place - gap) & (slots.count - 1) {
        slots[gap] = slot
        slots[place] = nil
        gap = place
      }
      place = after(place)
    }
  }

  private mutating func grow() {
    let old = slots
    slots = ContiguousArray(repeating: nil, count: old.count * 2)
    count = 0
    for case let slot? in old { set(slot.port, slot.socket) }
  }

  private func home(_ port: PortID) -> Int { Int(port.rawValue) & (slots.count - 1) }
  private func after(_ place: Int) -> Int { (place + 1) & (slots.count - 1) }
}
