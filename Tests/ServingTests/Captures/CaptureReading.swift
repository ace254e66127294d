import Capture
import FoundationEssentials
import SansIO

/// A folder of captures as a reader finds it.
struct CaptureReading {
  struct Packet {
    var decoded: DecodedPacket
    var payload: Bytes
    var direction: PacketRecord.Direction?
    var interface: Int
  }

  struct File {
    var name: String
    var packets: [Packet] = []
    var interfaces: [CaptureInterface] = []
    var secrets = 0

    /// The bytes of its UDP packets and segments, as text.
    var text: String { packets.map(\.payload.text).joined(separator: "\n") }
    var isConnection: Bool { name.hasPrefix("connection-") }
    var callIDs: Set<String> {
      Set(
        packets.flatMap { packet in
          packet.payload.text.split(separator: "\r\n").compactMap { $0.hasPrefix("Call-ID: ") ? String($0.dropFirst(9)) : nil }
        })
    }
  }

  var files: [File] = []

  init(_ folder: String) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() where name.hasSuffix(".pcapng") {
      files.append(try Self.read("\(folder)/\(name)", name))
    }
  }

  private static func read(_ path: String, _ name: String) throws -> File {
    var reader = try CaptureReader(path: path)
    var file = File(name: name)
    while let item = try reader.next() {
      switch item {
      case .packet(let packet):
        guard case .transport(let decoded) = PacketDecoder.decode(packet) else { continue }
        file.packets.append(
          Packet(
            decoded: decoded, payload: packet.bytes[decoded.payload], direction: packet.direction, interface: packet.interface))
      case .interface(let interface): file.interfaces.append(interface)
      case .secrets: file.secrets += 1
      case .statistics, .other: break
      }
    }
    return file
  }

  func file(holding callID: String) -> File? { files.first { $0.name.hasPrefix("call-") && $0.name.contains(callID) } }
  var calls: [File] { files.filter { $0.name.hasPrefix("call-") } }
  var others: [File] { files.filter { $0.name.hasPrefix("other-") } }

  /// How often each UDP payload is in all files together.
  var datagrams: [RawPeer.Datagram: Int] {
    var counts: [RawPeer.Datagram: Int] = [:]
    for file in files {
      for packet in file.packets where packet.decoded.carrier == .udp {
        counts[
          RawPeer.Datagram(source: packet.decoded.source, destination: packet.decoded.destination, payload: packet.payload), default: 0] +=
          1
      }
    }
    return counts
  }

  /// What one direction of a connection carried, as the files have it: the pieces of each file, in its order.
  func pieces(from source: TransportAddress, to destination: TransportAddress, sealed: Bool) -> [[Bytes]] {
    files.filter { $0.isConnection == sealed }.map { file in
      file.packets.filter {
        $0.decoded.carrier != .udp && $0.decoded.source == source && $0.decoded.destination == destination && !$0.payload.isEmpty
      }.map(\.payload)
    }.filter { !$0.isEmpty }
  }

  /// Whether these bytes are the pieces of all files put together, each used once: what is left over on either side, nil when nothing is.
  static func difference(_ bytes: [UInt8], _ files: [[Bytes]]) -> String? {
    var next = files.map { _ in 0 }
    var position = 0
    while position < bytes.count {
      let fitting = files.indices.first { index in
        next[index] < files[index].count && bytes[position...].starts(with: files[index][next[index]])
      }
      guard let fitting else { return "no file goes on at byte \(position) of \(bytes.count)" }
      position += files[fitting][next[fitting]].count
      next[fitting] += 1
    }
    let rest = files.indices.reduce(0) { $0 + files[$1].count - next[$1] }
    return rest == 0 ? nil : "\(rest) pieces crossed no socket"
  }
}
