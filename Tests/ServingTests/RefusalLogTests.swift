import Foundation
import LabBench
import SIPMessage
import SansIO
import Testing

@testable import Serving

/// Requests that are refused before any transaction is made for them, in the log of `serve`.
@Suite(.timeLimit(.minutes(15))) struct RefusalLogTests {
  private struct Caller {
    var wire: RawPeer.Wire
    var dialogue: Dialogue
  }

  /// A request that breaks one rule: what it is answered with, and the rule in words.
  private struct Broken {
    var wire: RawPeer.Wire
    var callID: String
    var status: String
    var rule: String
    var text: String

    /// - Parameter change: makes the request from a right one; it returns the rule that the request then breaks.
    init(_ caller: Caller, _ status: String, headers: [String] = [], _ change: (inout String) -> String) {
      (wire, callID, self.status) = (caller.wire, caller.dialogue.callID, status)
      text = caller.dialogue.request("OPTIONS", headers: headers).text
      rule = change(&text)
    }
  }

  private func offset(of field: String, in text: String) -> Int {
    text.range(of: field).map { text.utf8.distance(from: text.startIndex, to: $0.lowerBound) } ?? -1
  }

  /// One of each kind that has a status, and each limit of the Lab. Each is made when its turn comes: a connection on which nothing is sent
  /// is closed after some time.
  private func broken(_ scene: CaptureScene, _ transport: String) -> [() async throws -> Broken] {
    func fresh(_ callID: String) async throws -> Caller { try await caller(callID, scene, transport) }
    let tooLarge = "513 Message Too Large"
    func far() async throws -> Caller {
      var far = try await fresh("far")
      far.dialogue.uri = "sip:\(String(repeating: "a", count: 9_000))@sip.kallglot.com"
      return far
    }
    var all: [() async throws -> Broken] = [
      {
        Broken(try await fresh("many"), tooLarge, headers: Array(repeating: "X-Many: 1", count: 300)) { _ in
          "\(SIPParseError.tooManyFields(limit: 256))"
        }
      },
      {
        Broken(try await fresh("long"), tooLarge, headers: ["X-Long: \(String(repeating: "x", count: 17_000))"]) { text in
          "\(SIPParseError.fieldTooLong(offset: offset(of: "X-Long", in: text), limit: 16_384))"
        }
      },
      { Broken(try await far(), "414 Request-URI Too Long") { _ in "\(SIPParseError.startLineTooLong(limit: 8_192))" } },
      {
        Broken(try await fresh("version"), "505 Version Not Supported") { text in
          text = text.replacing(" SIP/2.0\r\nVia", with: " SIP/7.0\r\nVia")
          return "\(SIPParseError.version("SIP/7.0"))"
        }
      },
      {
        Broken(try await fresh("colon"), "400 Bad Request", headers: ["nocolon"]) { text in
          "\(SIPParseError.fieldWithoutColon(offset: offset(of: "nocolon", in: text)))"
        }
      },
      {
        Broken(try await fresh("from"), "400 Bad Request") { text in
          text = text.split(separator: "\r\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("From:") }.joined(separator: "\r\n")
          return "\(SIPHeaderError.missing(.init(.from)))"
        }
      },
    ]
    // A datagram cannot be longer than the limit; on a stream the length says it before the body has come.
    guard transport != "udp" else { return all }
    all.append {
      Broken(try await fresh("body"), tooLarge) { text in
        text = text.replacing("Content-Length: 0", with: "Content-Length: 70000")
        return "\(SIPParseError.messageTooLong(limit: 65_535))"
      }
    }
    return all
  }

  @Test(arguments: ["udp", "tcp", "tls"])
  func
    `a request refused below the transactions is logged with its rule, its status and its Call-ID, and counted (RFC 3261 §18.3, §21.5.7)`(
      transport: String
    ) async throws
  {
    var expected: [String] = []
    var counts: [String: Int] = [:]
    try await CaptureScene.run("authentication: none") { scene in
      let us = scene.us().address
      for make in broken(scene, transport) {
        let broken = try await make()
        let peer = try await scene.peer.local(broken.wire)
        try await scene.peer.send(Bytes(broken.text), over: broken.wire)
        let answer = try await scene.peer.message("SIP/2.0 \(broken.status.prefix(3))", over: broken.wire)
        #expect(answer.bytes.text.hasPrefix("SIP/2.0 \(broken.status)\r\n") && answer.first(.callID)?.text == broken.callID)
        expected.append("\(peer) sent what cannot be processed: \(broken.rule)")
        expected.append("OPTIONS from \(peer): \(broken.status); Warning: 399 \(us) \"\(broken.rule)\" (Call-ID \(broken.callID))")
        counts["  refused: OPTIONS with \(broken.status.prefix(3))", default: 0] += 1
      }
      // A response is never answered: nothing was refused.
      let last = try await caller("last", scene, transport)
      let stray = SIPText.message("SIP/2.0 200 OK", ["Call-ID: stray"] + Array(repeating: "X-Many: 1", count: 300))
      try await scene.peer.send(Bytes(stray), over: last.wire)
      try await scene.peer.send(last.dialogue.request("OPTIONS"), over: last.wire)
      _ = try await scene.peer.message("SIP/2.0 200", over: last.wire)
    } then: { scene, _ in
      let lines = scene.log.text.split(separator: "\n").map { line in line.range(of: "  ").map { line[$0.upperBound...] } ?? line }
      for line in expected { #expect(lines.count { $0 == line } == 1, "'\(line)' is not one line of\n\(scene.log.text)") }
      for (line, count) in counts { #expect(lines.contains { $0 == "\(line): \(count)" }, "\(line): \(count)\n\(scene.log.text)") }
      #expect(lines.count { $0.hasPrefix("OPTIONS from ") } == expected.count / 2, "\(scene.log.text)")
      #expect(lines.count { $0.contains(" sent what cannot be processed: ") } == expected.count / 2 + 1)
      let written = try String(contentsOfFile: "\(scene.folder)/serve.log", encoding: .utf8)
      #expect(written == scene.log.text + "\n")
    }
  }

  private func caller(_ callID: String, _ scene: CaptureScene, _ transport: String) async throws -> Caller {
    let wire: RawPeer.Wire =
      switch transport {
      case "udp": .datagrams(try await scene.peer.bind().port, to: scene.us())
      case "tcp": try await scene.peer.connect(to: scene.us())
      default: try await scene.peer.connect(to: scene.us(5_061), tls: true)
      }
    return Caller(wire: wire, dialogue: try await scene.dialogue(callID, wire, transport.uppercased()))
  }
}
