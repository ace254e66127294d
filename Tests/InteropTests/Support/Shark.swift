import Foundation
import SIPMessage
import SansIO
import Testing

/// tshark as the independent reader of a capture.
enum Shark {
  struct Packet: Sendable {
    /// Seconds since the capture began.
    var time: Double
    var source: String
    var destination: String
    /// `INVITE` or `200 INVITE`; nil for what is no SIP.
    var sip: String?
    var isRTP: Bool
  }

  /// Its arguments for a capture, with RTP seen as such although the SDP may be encrypted.
  static func reading(_ capture: String) -> [String] { ["-r", capture, "-d", "udp.port==10000-39999,rtp"] }

  /// What it finds malformed or cut short, one line each.
  static func complaints(_ capture: String) async throws -> [String] {
    let read = try await program(try Peer.tshark.required(), reading(capture) + ["-Y", "_ws.malformed || _ws.short"])
    let lines = read.output.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("Running as user") }
    return read.code == 0 ? lines : lines + ["exit code \(read.code)"]
  }

  static func packets(_ capture: String) async throws -> [Packet] {
    let fields = [
      "frame.time_relative", "ip.src", "udp.srcport", "ip.dst", "udp.dstport", "sip.Method", "sip.Status-Code", "sip.CSeq.method",
      "rtp.seq",
    ]
    let rows = try await rows(capture, fields, [])
    return rows.map { row in
      let sip = row[6].isEmpty ? (row[5].isEmpty ? nil : row[5]) : "\(row[6]) \(row[7])"
      return Packet(
        time: Double(row[0]) ?? 0, source: "\(row[1]):\(row[2])", destination: "\(row[3]):\(row[4])", sip: sip, isRTP: !row[8].isEmpty)
    }
  }

  /// The SIP messages over UDP, byte for byte, with where each came from.
  static func messages(_ capture: String) async throws -> [(source: String, message: SIPMessage)] {
    let rows = try await rows(capture, ["ip.src", "udp.srcport", "udp.payload"], ["-Y", "sip"])
    return try rows.map { row in
      let digits = Array(row[2].utf8)
      let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
        UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
      }
      return ("\(row[0]):\(row[1])", try SIPMessage.parse(Bytes(bytes)))
    }
  }

  private static func rows(_ capture: String, _ fields: [String], _ more: [String]) async throws -> [[String]] {
    let read = try await program(
      try Peer.tshark.required(), reading(capture) + more + ["-T", "fields"] + fields.flatMap { ["-e", $0] })
    return read.output.split(separator: "\n").map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
      .filter { $0.count == fields.count }
  }
}
