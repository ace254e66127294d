import LabBench
import SIPComposition
import SIPMessage
import SIPTransport
import SansIO
import Testing

@testable import SIPTransaction

/// Which message belongs to which transaction (RFC 3261 §17.1.3, §17.2.3).
@Suite struct MatchingTests {
  private let flow = Flow(
    transport: .udp, local: .init(IPAddress(v4: 0xC633_640A), port: 5060), remote: .init(IPAddress(v4: 0xC000_0214), port: 5060),
    path: .port(PortID(1)))

  private func seconds(_ value: Double) -> Instant { Instant(nanoseconds: Int64(value * 1_000_000_000)) }

  private func request(
    _ method: String, branch: String = ";branch=z9hG4bK1", sentBy: String = "192.0.2.20:5060", cseq: Int = 7, toTag: String = "",
    uri: String = "sip:bob@b"
  ) throws -> InboundMessage {
    let text = SIPText.request(
      method, uri, via: "UDP \(sentBy)\(branch)", from: "<sip:a@a>;tag=1", to: "<sip:bob@b>\(toTag)", callID: "x", sequence: cseq)
    return InboundMessage(try SIPMessage.parse(Bytes(text)), on: flow)
  }

  private func response(_ status: Int, to request: InboundMessage) -> Bytes {
    Spelling.plain.response(ResponseDraft(status, toTag: "t"), to: request.message, from: request.flow.remote)
  }

  /// How many requests were handed up, and what else was said.
  private func receive(_ layer: TransactionLayer, _ messages: [InboundMessage]) -> [String] {
    var outputs: [TransactionLayer.Output] = []
    for message in messages { layer.receive(message, at: .zero, &outputs) }
    return outputs.compactMap { output in
      switch output {
      case .request(let id, let message): "\(message.message.method?.token ?? "") \(id.rawValue)"
      case .cancelled(let id, by: _, _): "cancels \(id.rawValue)"
      case .ack: "ack"
      default: nil
      }
    }
  }

  @Test func `branch, sent-by and method make a server transaction; any other of them is another one (RFC 3261 §17.2.3)`() throws {
    let layer = TransactionLayer()
    let messages = [
      try request("OPTIONS"), try request("OPTIONS"), try request("OPTIONS", branch: ";branch=z9hG4bK2"),
      try request("OPTIONS", sentBy: "192.0.2.21:5060"),
      try request("INFO"),
    ]
    #expect(receive(layer, messages) == ["OPTIONS 1", "OPTIONS 2", "OPTIONS 3", "INFO 4"])
  }

  @Test func `a branch of RFC 2543 is told apart by URI, To and From tag, Call-ID, CSeq and Via (RFC 3261 §17.2.3)`() throws {
    let layer = TransactionLayer()
    let old = ";branch=1"
    let messages = [
      try request("OPTIONS", branch: old), try request("OPTIONS", branch: old), try request("OPTIONS", branch: old, cseq: 8),
      try request("OPTIONS", branch: old, uri: "sip:carol@b"), try request("OPTIONS", branch: old, toTag: ";tag=t"),
      try request("OPTIONS", branch: ""),
    ]
    #expect(receive(layer, messages) == ["OPTIONS 1", "OPTIONS 2", "OPTIONS 3", "OPTIONS 4", "OPTIONS 5"])
  }

  @Test func `CANCEL and ACK of a peer of RFC 2543 find their INVITE, the ACK by the To tag of the response (RFC 3261 §17.2.3)`() throws {
    let layer = TransactionLayer()
    let old = ";branch=1"
    #expect(receive(layer, [try request("INVITE", branch: old), try request("CANCEL", branch: old)]) == ["INVITE 1", "cancels 1"])
    var outputs: [TransactionLayer.Output] = []
    layer.respond(.init(1), response(487, to: try request("INVITE", branch: old)), status: 487, label: .none, at: .zero, &outputs)
    #expect(receive(layer, [try request("ACK", branch: old, toTag: ";tag=t")]) == [], "absorbed by its transaction")
    layer.wake(at: seconds(40), &outputs)
    #expect(!outputs.contains { if case .ackMissing = $0 { true } else { false } })
  }

  @Test func `a CANCEL of another method than INVITE is matched too (RFC 3261 §9.2)`() throws {
    #expect(receive(TransactionLayer(), [try request("OPTIONS"), try request("CANCEL")]) == ["OPTIONS 1", "cancels 1"])
  }

  @Test func `a response belongs to the branch and the method of its CSeq (RFC 3261 §17.1.3)`() throws {
    let layer = TransactionLayer()
    var outputs: [TransactionLayer.Output] = []
    let draft = try request("INVITE").message.bytes
    let invite = layer.send(draft, method: .invite, branch: "z9hG4bK1", on: flow, label: .none, at: .zero, &outputs)
    func response(_ status: Int, _ branch: String, _ method: String) throws -> InboundMessage {
      let text = SIPText.response(status, to: try request(method, branch: ";branch=\(branch)").message, tag: "t")
      return InboundMessage(try SIPMessage.parse(Bytes(text)), on: flow)
    }
    outputs = []
    layer.receive(try response(180, "z9hG4bK1", "INVITE"), at: .zero, &outputs)
    let cancel = layer.cancel(invite, label: .none, at: .zero, &outputs)
    for message in [try response(200, "z9hG4bK1", "CANCEL"), try response(200, "z9hG4bK2", "INVITE"), try response(200, "z9hG4bK1", "BYE")]
    {
      layer.receive(message, at: .zero, &outputs)
    }
    let seen = outputs.compactMap { output -> String? in
      switch output {
      case .response(let id, let message): "\(message.message.status ?? 0) for \(id == invite ? "INVITE" : id == cancel ? "CANCEL" : "?")"
      case .strayResponse: "stray"
      default: nil
      }
    }
    #expect(seen == ["180 for INVITE", "200 for CANCEL", "stray", "stray"])
  }

  @Test func `a request other than INVITE gets no 100 and no 408, however long its answer takes (RFC 4320 §4)`() throws {
    let layer = TransactionLayer()
    _ = receive(layer, [try request("OPTIONS")])
    var outputs: [TransactionLayer.Output] = []
    for second in 1...60 { layer.wake(at: seconds(Double(second)), &outputs) }
    #expect(outputs.isEmpty && layer.count == 1, "it still waits for its answer")
    layer.respond(.init(1), response(200, to: try request("OPTIONS")), status: 200, label: .none, at: seconds(61), &outputs)
    #expect(outputs.count == 1 && layer.count == 1)
  }

  @Test func `when all timers have run nothing is left, whatever happened (RFC 3261 §17)`() throws {
    let layer = TransactionLayer()
    var outputs: [TransactionLayer.Output] = []
    var served: UInt32 = 0
    for (index, status) in [100, 180, 200, 302, 404, 500, 603].enumerated() {
      for method in ["INVITE", "OPTIONS", "BYE"] {
        let message = try request(method, branch: ";branch=z9hG4bK\(method)\(index)")
        layer.receive(message, at: .zero, &outputs)
        served += 1
        let id = TransactionLayer.ServerID(served)
        for answer in Set([status, max(status, 200)]).sorted() {
          layer.respond(
            id, response(answer, to: message), status: answer, label: .none, at: .zero, &outputs)
        }
      }
    }
    #expect(layer.count == 21)
    layer.wake(at: seconds(100), &outputs)
    #expect(layer.count == 0 && layer.nextDeadline == nil)
  }
}
