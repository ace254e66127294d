import SansIO

/// Which frame of a file a host's packet is, for those that are cited: the latest messages, and how media began.
struct FramePlaces {
  private static let (mostMessages, mostMedia) = (128, 32)

  private var messages: [(packet: UInt32, frame: UInt32)] = []
  private var next = 0
  private var media: [(packet: UInt32, frame: UInt32)] = []

  /// - Parameter frame: of the file.
  mutating func add(_ packet: PacketRecord, _ frame: UInt32) {
    guard packet.frame > 0 else { return }
    if case .udp = packet.carrier, packet.payload.first.map({ $0 >> 6 == 2 }) ?? false {
      if media.count < Self.mostMedia { media.append((packet.frame, frame)) }
    } else if messages.count < Self.mostMessages {
      messages.append((packet.frame, frame))
    } else {
      messages[next] = (packet.frame, frame)
      next = (next + 1) % Self.mostMessages
    }
  }

  /// A packet that came in several frames is its last one.
  subscript(packet: UInt32) -> UInt32? {
    messages.last { $0.packet == packet }?.frame ?? media.first { $0.packet == packet }?.frame
  }
}
