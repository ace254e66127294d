import Capture
import SIPMessage
import SansIO

/// Messages that a capture agent took out of TCP: mostly whole, and where it did not put them together, piece by piece.
struct RelayedStreams {
  private struct Key: Hashable {
    var source: TransportAddress
    var destination: TransportAddress
  }

  /// Those with a message that is not whole.
  private var framers: [Key: PassiveFramer] = [:]
  private static let most = 1_024

  mutating func take(_ bytes: Bytes, from source: TransportAddress, to destination: TransportAddress) -> [SIPReading] {
    let key = Key(source: source, destination: destination)
    // What begins a message is not the rest of another.
    if SIPRecognition.isSIP(bytes) { framers[key] = nil }
    if framers[key] == nil, framers.count >= Self.most { framers.removeAll() }
    var framer = framers[key] ?? PassiveFramer()
    let readings = framer.take(bytes)
    framers[key] = framer.isWaiting ? framer : nil
    return readings
  }
}
