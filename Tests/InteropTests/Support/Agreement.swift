import Foundation

/// What two readers of a capture, tshark and our `inspect`, see in it: SIP messages, and packets and loss of each RTP stream.
struct Sight: Equatable, CustomStringConvertible {
  var messages: Int
  /// `127.0.0.1:4000 to 127.0.0.2:4002, 0x0000ABCD: 250 packets, 0 lost`, sorted.
  var streams: [String]

  var description: String { "\(messages) messages; " + streams.joined(separator: "; ") }

  /// The same without what is lost.
  var withoutLosses: Sight {
    Sight(messages: messages, streams: streams.map { String($0.prefix(upTo: $0.lastIndex(of: ",") ?? $0.endIndex)) })
  }

  private struct Report: Decodable {
    struct File: Decodable {
      struct Messages: Decodable { var total: Int }
      struct Stream: Decodable {
        var source: String
        var destination: String
        var ssrc: UInt32
        var packets: Int
        var lost: Int
      }
      var messages: Messages
      var streams: [Stream]
    }
    var files: [File]
  }

  private static func line(_ source: String, _ destination: String, _ ssrc: String, _ packets: Int, _ lost: Int) -> String {
    "\(source) to \(destination), \(ssrc): \(packets) packets, \(lost) lost"
  }

  /// By `kallglot-lab inspect --json`.
  static func inspect(_ capture: String) async throws -> Sight {
    let read = try await program(Place.lab, ["inspect", "--json", capture])
    let report = try JSONDecoder().decode(Report.self, from: Data(read.output.utf8))
    let streams = report.files.flatMap(\.streams).map { stream in
      let digits = String(stream.ssrc, radix: 16, uppercase: true)
      return line(
        stream.source, stream.destination, "0x" + String(repeating: "0", count: 8 - digits.count) + digits, stream.packets, stream.lost)
    }
    return Sight(messages: report.files.reduce(0) { $0 + $1.messages.total }, streams: streams.sorted())
  }

  /// By tshark.
  static func shark(_ capture: String) async throws -> Sight {
    let methods = try await program(
      try Peer.tshark.required(), Shark.reading(capture) + ["-Y", "sip", "-T", "fields", "-E", "occurrence=a", "-e", "sip.CSeq.method"])
    let messages = methods.output.split(separator: "\n").filter { !$0.hasPrefix("Running as") }
      .reduce(0) { $0 + $1.split(separator: ",").count }
    let table = try await program(try Peer.tshark.required(), Shark.reading(capture) + ["-q", "-z", "rtp,streams"])
    let streams = table.output.split(separator: "\n").compactMap { row -> String? in
      let words = row.split(separator: " ").map(String.init)
      guard words.count > 9, let ssrc = words.firstIndex(where: { $0.hasPrefix("0x") }), ssrc == 6,
        let percent = words.firstIndex(where: { $0.hasPrefix("(") }), let lost = Int(words[percent - 1]),
        let packets = Int(words[percent - 2])
      else { return nil }
      // It takes packets that came twice off the loss; a loss is never negative (expected less distinct, RFC 3550 §A.3 aside).
      return line("\(words[2]):\(words[3])", "\(words[4]):\(words[5])", words[ssrc], packets, max(lost, 0))
    }
    return Sight(messages: messages, streams: streams.sorted())
  }
}
