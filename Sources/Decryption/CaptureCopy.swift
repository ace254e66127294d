import Capture
import SansIO

/// A capture that is written again, frame by frame: interfaces and numbered records keep their places, secrets stay behind.
struct CaptureCopy {
  private struct Interface {
    var described: CaptureInterface
    var number: UInt32
    /// That of what TLS carried on it, made for the first such packet.
    var decrypted: UInt32?
  }

  private struct Count {
    var first: UInt64
    var last: UInt64
    var packets: UInt64 = 0
  }

  private var writer: PcapngWriter
  private var interfaces: [Interface] = []
  /// By the interface's number in the copy.
  private var counts: [Count?] = []
  private var watched: Int64?
  private(set) var frames = 0

  init(_ output: ByteOutput, origin: CaptureOrigin, comment: String) {
    writer = PcapngWriter(output, origin: origin, comment: comment)
  }

  mutating func add(_ interface: CaptureInterface) {
    let number = writer.addInterface(named: interface.name, linkType: interface.linkType, description: interface.description)
    interfaces.append(Interface(described: interface, number: number))
    counts.append(nil)
  }

  mutating func watched(until time: Int64) { watched = max(watched ?? time, time) }

  /// A record that readers number as a frame.
  mutating func addRecord() {
    frames += 1
    writer.writeRecord()
  }

  /// - Parameter isDecrypted: what TLS carried takes the place of its records.
  mutating func write(_ packet: CapturedPacket, isDecrypted: Bool = false) {
    frames += 1
    // Classic pcap describes no interface.
    if interfaces.isEmpty {
      add(
        CaptureInterface(
          name: "pcap", description: "", linkType: packet.linkType, snapLength: 0, ticksPerSecond: 1_000_000_000, offsetSeconds: 0))
    }
    let number = isDecrypted ? decrypted(packet.interface) : interfaces[packet.interface].number
    let time = UInt64(max(packet.timestamp, 0))
    counts[Int(number)] = Count(
      first: min(counts[Int(number)]?.first ?? time, time), last: max(counts[Int(number)]?.last ?? time, time),
      packets: (counts[Int(number)]?.packets ?? 0) + 1)
    writer.writePacket(packet, interface: number)
  }

  private mutating func decrypted(_ place: Int) -> UInt32 {
    if let number = interfaces[place].decrypted { return number }
    let described = interfaces[place].described
    guard !described.isDecrypted else { return interfaces[place].number }
    let number = writer.addInterface(
      named: described.name + CaptureInterface.decryptedSuffix, linkType: described.linkType, description: "What TLS carried")
    interfaces[place].decrypted = number
    counts.append(nil)
    return number
  }

  /// The copy ends; its interfaces were watched as long as those of the original.
  mutating func finish() {
    for (number, count) in counts.enumerated() {
      guard let count else { continue }
      writer.writeStatistics(
        interface: UInt32(number), at: UInt64(max(watched ?? Int64(count.last), 0)), from: count.first, to: count.last,
        packets: count.packets)
    }
    writer.output.close()
  }
}

/// A capture that can be read more than once.
public enum CaptureSource: Sendable {
  case file(String)
  case memory(Bytes)

  func open() throws(CaptureReadError) -> CaptureReader {
    switch self {
    case .file(let path): try CaptureReader(path: path)
    case .memory(let bytes): try CaptureReader(bytes)
    }
  }
}
