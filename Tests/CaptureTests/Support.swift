import Foundation
import SansIO

@testable import Capture

let alice = HostID(0)
let bob = HostID(1)
let alicePort = TransportAddress(IPAddress(v4: 0xC000_020A), port: 5060)
let bobPort = TransportAddress(IPAddress(v4: 0xC633_6414), port: 5062)
let aliceSix = TransportAddress(IPAddress(high: 0x2001_0DB8_0000_0000, low: 0x0A), port: 5060)
let bobSix = TransportAddress(IPAddress(high: 0x2001_0DB8_0000_0000, low: 0x14), port: 5062)

func record(
  _ frame: UInt32, at nanoseconds: Int64 = 0, host: HostID = alice, as direction: PacketRecord.Direction = .sent,
  over carrier: PacketRecord.Carrier = .udp, from source: TransportAddress = alicePort, to destination: TransportAddress = bobPort,
  _ payload: Bytes = "hello", _ label: Label = Label(.request("INVITE")), _ fate: Fate = .delivered
) -> PacketRecord {
  PacketRecord(
    at: Instant(nanoseconds: nanoseconds), host: host, frame: frame, direction: direction, carrier: carrier, source: source,
    destination: destination, payload: payload, label: label, fate: fate)
}

/// A capture in memory of these records.
func capture(_ records: [PacketRecord], options: CaptureOptions = CaptureOptions(), secrets: [String] = []) -> Bytes {
  let file = CaptureFile(ByteOutput(), interface: "alice", epoch: .virtual, options: options)
  for secret in secrets { file.append(KeyLogLine(secret)) }
  for record in records { file.append(record) }
  file.close()
  return file.output.bytes
}

func packets(in bytes: Bytes) throws -> [CapturedPacket] {
  var reader = try CaptureReader(bytes)
  var packets: [CapturedPacket] = []
  while let packet = try reader.nextPacket() { packets.append(packet) }
  return packets
}

/// The 16-bit ones' complement sum of RFC 1071 §4.1, as the RFC writes it: 0 over data with a right checksum.
func plainChecksum(_ bytes: some Sequence<UInt8>) -> UInt16 {
  let all = Array(bytes)
  var sum: UInt32 = 0
  for index in stride(from: 0, to: all.count, by: 2) {
    sum += UInt32(all[index]) << 8 | (index + 1 < all.count ? UInt32(all[index + 1]) : 0)
  }
  while sum >> 16 != 0 { sum = (sum & 0xFFFF) + (sum >> 16) }
  return ~UInt16(sum)
}

/// A folder that is gone when the test is over.
final class TemporaryFolder {
  let path: String

  init() {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("capture-\(UUID().uuidString)").path
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  func write(_ bytes: Bytes, to name: String) -> String {
    _ = FileManager.default.createFile(atPath: file(name), contents: Data(bytes))
    return file(name)
  }

  func read(_ name: String) -> Bytes { Bytes(Array(FileManager.default.contents(atPath: file(name)) ?? Data())) }
}

/// Wireshark's command line, the independent reader of what we write.
enum Tshark {
  static let path = "/usr/bin/tshark"
  static let capinfos = "/usr/bin/capinfos"
  static var hasCapinfos: Bool { FileManager.default.isExecutableFile(atPath: capinfos) }
  static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: path) }

  struct Result {
    var output: String
    var errors: String
    var status: Int32
  }

  static func run(_ arguments: [String], program: String = path, folder: TemporaryFolder) throws -> Result {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ["HOME": folder.path, "LC_ALL": "C.UTF-8", "TZ": "UTC"]
    let (output, errors) = (folder.file("tshark.out"), folder.file("tshark.err"))
    for file in [output, errors] { _ = FileManager.default.createFile(atPath: file, contents: nil) }
    process.standardOutput = FileHandle(forWritingAtPath: output)
    process.standardError = FileHandle(forWritingAtPath: errors)
    try process.run()
    process.waitUntilExit()
    let complaints = folder.read("tshark.err").text.split(separator: "\n").filter { !$0.hasPrefix("Running as user") }
    return Result(
      output: folder.read("tshark.out").text, errors: complaints.joined(separator: "\n"), status: process.terminationStatus)
  }

  /// One row a packet, one column a field.
  static func fields(_ names: [String], of file: String, options: [String] = [], folder: TemporaryFolder) throws -> [[String]] {
    let checks = ["udp", "tcp", "ip"].flatMap { ["-o", "\($0).check_checksum:TRUE"] }
    let result = try run(
      ["-r", file, "-n"] + checks + options + ["-T", "fields", "-E", "separator=|"] + names.flatMap { ["-e", $0] }, folder: folder)
    return result.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { line in
      line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
    }
  }
}
