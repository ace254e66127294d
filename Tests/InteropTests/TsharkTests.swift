import Foundation
import Synchronization
import Testing

extension Interop {
  /// tshark as the independent reader of what virtual runs leave.
  @Suite(.enabled(if: Peer.tshark.runs, Peer.tshark.reason)) struct TsharkTests {
    private struct Counts: Equatable {
      var sip = 0
      var rtp = 0
    }

    /// One of each kind; `inspect` and tshark are compared on all scenarios beside its own tests.
    private static let scenarios = [
      "basic/answered-udp", "basic/answered-tcp", "basic/answered-tls", "faults/lost-200", "faults/lost-200-tcp",
      "mid-call/hold-by-both-sides",
      "network/lossy-link", "personas/asterisk-over-tls",
    ]

    @Test func `captures open without an error, TLS decrypts itself, and SIP and RTP counts are those of the journal`() async throws {
      let tshark = try Peer.tshark.required()
      let folder = try Place.temporary()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let run = try await program(Place.lab, ["run"] + Self.scenarios.map { "\(Place.root)/scenarios/\($0).yaml" } + ["--out", folder])
      #expect(run.code == 0, "\(run.output)")
      let captures = try FileManager.default.subpathsOfDirectory(atPath: folder).filter {
        $0.hasSuffix(".pcapng") && !$0.hasSuffix(".clear.pcapng")
      }
      .sorted()
      #expect(captures.count == 2 * Self.scenarios.count)
      for capture in captures {
        let (counts, output) = try await read(tshark, "\(folder)/\(capture)")
        #expect(!output.contains("Malformed") && !output.contains("cut short"), "\(capture): \(output.suffix(500))")
        let ours = try journal(folder, capture)
        #expect(counts == ours, "\(capture): tshark counts \(counts), the journal \(ours)")
      }
    }

    private func read(_ tshark: String, _ path: String) async throws -> (Counts, String) {
      let result = try await program(
        tshark, ["-r", path, "-d", "udp.port==10000-20200,rtp", "-T", "fields", "-e", "frame.protocols", "-e", "_ws.malformed"])
      var counts = Counts()
      for line in result.output.split(separator: "\n") {
        counts.sip += line.components(separatedBy: ":sip").count - 1
        if line.contains(":rtp") { counts.rtp += 1 }
      }
      return (counts, result.output)
    }

    /// What the journal says of the same host, by the labels of what was written.
    private func journal(_ folder: String, _ capture: String) throws -> Counts {
      let parts = capture.split(separator: "/")
      let host = parts.last?.dropLast(".pcapng".count) ?? ""
      let path = "\(folder)/\(parts.dropLast().joined(separator: "/"))/journal.ndjson"
      var counts = Counts()
      var segments: Set<Substring> = []
      for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      where line.contains("\"host\":\"\(host)\",\"frame\"") {
        guard let label = line.components(separatedBy: "\"label\":\"").last?.prefix(while: { $0 != "\"" }) else { continue }
        // tshark reads a segment that TCP sent twice once.
        if line.contains("\"proto\":\"tcp\""), isSIP(label), let range = line.range(of: "\"seq\":[0-9]+", options: .regularExpression) {
          let direction = line.contains("\"dir\":\"sent\"") ? "s" : "r"
          guard segments.insert(Substring(direction + line[range])).inserted else { continue }
        }
        if label.hasPrefix("RTP ") { counts.rtp += 1 } else if isSIP(label) { counts.sip += 1 }
      }
      return counts
    }

    /// `INVITE, …` or `200 INVITE, …`.
    private func isSIP(_ label: Substring) -> Bool {
      let words = label.prefix { $0 != "," }.split(separator: " ")
      guard let method = words.last else { return false }
      return ["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER"].contains(String(method))
    }
  }
}

private let versions = Mutex<[Peer: String]>([:])

/// The table stands last in the log: what was there, what was skipped.
@Suite struct PeerTable {
  @Test func `the peers of this run`() async {
    for peer in Peer.allCases { if let version = await peer.version() { versions.withLock { $0[peer] = version } } }
    atexit { print(Peer.table(versions.withLock { $0 })) }
    for peer in Peer.allCases where peer.isRequired {
      #expect(peer.path != nil, "LAB_REQUIRE_PEERS names \(peer.rawValue), which is not installed")
    }
  }
}
