import LabBench
import SIPComposition
import SIPMessage
import SIPTransport
import SansIO
import Testing

@testable import SIPTransaction

@Suite struct TransactionLayerTests {
  private let flow = Flow(
    transport: .udp, local: .init(IPAddress(v4: 0xC633_640A), port: 5060), remote: .init(IPAddress(v4: 0xC000_0214), port: 5060),
    path: .port(PortID(1)))

  private func seconds(_ value: Double) -> Instant { Instant(nanoseconds: Int64(value * 1_000_000_000)) }

  private func request(
    _ method: SIPMethod, branch: String = "z9hG4bK1", toTag: String = "", via: String? = nil
  ) -> Bytes {
    Bytes(
      SIPText.request(
        method.token, "sip:bob@b", via: via ?? "UDP 192.0.2.20:5060;branch=\(branch);rport", from: "<sip:a@a>;tag=1",
        to: "<sip:bob@b>\(toTag)", callID: "x", sequence: 7, contact: "sip:a@a"))
  }

  private func message(_ bytes: Bytes, on flow: Flow? = nil) throws -> InboundMessage {
    InboundMessage(try SIPMessage.parse(bytes), on: flow ?? self.flow)
  }

  private func response(_ status: Int, to request: InboundMessage, toTag: String? = nil) -> Bytes {
    Spelling.plain.response(ResponseDraft(status, toTag: toTag), to: request.message, from: request.flow.remote)
  }

  /// What went out, first lines with label causes, and what was told.
  private func lines(_ outputs: [TransactionLayer.Output]) -> [String] {
    outputs.map { output in
      switch output {
      case .send(let bytes, _, let label): "send \(bytes.text.prefix { $0 != "\r\n" }) [\(label)]"
      case .reply(let bytes, _, port: _, let label): "send \(bytes.text.prefix { $0 != "\r\n" }) [\(label)]"
      case .request(let id, let message): "request \(id.rawValue) \(message)"
      case .ack: "ack"
      case .cancelled(let invite, by: let cancel, _): "cancelled \(invite.rawValue) by \(cancel.rawValue)"
      case .response(let id, let message): "response \(id.rawValue) \(message)"
      case .failed(let id, let failure): "failed \(id.rawValue) \(failure)"
      case .ended(let id): "ended \(id.rawValue)"
      case .ackMissing(let id): "no ACK \(id.rawValue)"
      case .endedServer(let id): "ended server \(id.rawValue)"
      case .strayResponse: "stray"
      case .unusable(_, let error): "unusable: \(error)"
      }
    }
  }

  @Test func `a refused INVITE is acknowledged in its own transaction with the response's To (RFC 3261 §17.1.1.3)`() throws {
    let layer = TransactionLayer()
    var outputs: [TransactionLayer.Output] = []
    let draft = request(.invite)
    _ = layer.send(draft, method: .invite, branch: "z9hG4bK1", on: flow, label: Label(.request(.invite)), at: .zero, &outputs)
    let refusal = response(486, to: try message(draft), toTag: "t")
    outputs = []
    layer.receive(try message(refusal), at: seconds(0.1), &outputs)
    #expect(lines(outputs) == ["send ACK sip:bob@b SIP/2.0 [ACK]", "response 1 486 Busy Here"])
    guard case .send(let bytes, _, _)? = outputs.first else {
      Issue.record("nothing was sent")
      return
    }
    let ack = try SIPMessage.parse(bytes)
    #expect(try ack.via().branch == "z9hG4bK1")
    #expect(try ack.to().tag == "t")
    #expect(try ack.cseq() == CSeq(number: 7, method: .ack))
    #expect(ack.first(.contact) == nil)
  }

  @Test func `CANCEL has the INVITE's branch and waits for a provisional (RFC 3261 §9.1)`() throws {
    let layer = TransactionLayer()
    var outputs: [TransactionLayer.Output] = []
    let draft = request(.invite)
    let id = layer.send(draft, method: .invite, branch: "z9hG4bK1", on: flow, label: Label(.request(.invite)), at: .zero, &outputs)
    #expect(layer.cancel(id, label: Label(.request(.cancel)), at: .zero, &outputs) == nil)
    layer.receive(
      try message(response(180, to: try message(draft))), at: seconds(0.1), &outputs)
    outputs = []
    #expect(layer.cancel(id, label: Label(.request(.cancel)), at: seconds(0.2), &outputs) != nil)
    #expect(lines(outputs) == ["send CANCEL sip:bob@b SIP/2.0 [CANCEL]"])
    guard case .send(let bytes, _, _)? = outputs.first else {
      Issue.record("nothing was sent")
      return
    }
    #expect(try SIPMessage.parse(bytes).via().branch == "z9hG4bK1")
  }

  @Test func `a request again is not handed up again but answered again (RFC 3261 §17.2.2)`() throws {
    let layer = TransactionLayer()
    var outputs: [TransactionLayer.Output] = []
    let options = try message(request(.options))
    layer.receive(options, at: .zero, &outputs)
    layer.receive(options, at: seconds(0.1), &outputs)
    #expect(lines(outputs) == ["request 1 OPTIONS sip:bob@b"])
    outputs = []
    layer.respond(
      .init(1), response(200, to: options), status: 200, label: Label(.response(status: 200, .options)), at: seconds(0.2), &outputs)
    layer.receive(options, at: seconds(0.5), &outputs)
    #expect(
      lines(outputs) == [
        "send SIP/2.0 200 OK [200 OPTIONS]", "send SIP/2.0 200 OK [200 OPTIONS, repeated on request, 1st retransmission]",
      ])
  }

  @Test func `CANCEL finds its INVITE by branch and sent-by (RFC 3261 §9.2)`() throws {
    let layer = TransactionLayer()
    var outputs: [TransactionLayer.Output] = []
    layer.receive(try message(request(.invite)), at: .zero, &outputs)
    layer.receive(try message(request(.cancel)), at: seconds(0.1), &outputs)
    layer.receive(try message(request(.cancel, branch: "z9hG4bKother")), at: seconds(0.1), &outputs)
    #expect(lines(outputs) == ["request 1 INVITE sip:bob@b", "cancelled 1 by 2", "request 3 CANCEL sip:bob@b"])
  }

  @Test func `the ACK of a refusal is absorbed, the ACK of a 2xx is handed up (RFC 3261 §17.2.1, RFC 6026 §8.7)`() throws {
    for (status, expected) in [(486, []), (200, ["ack"])] {
      let layer = TransactionLayer()
      var outputs: [TransactionLayer.Output] = []
      let invite = try message(request(.invite))
      layer.receive(invite, at: .zero, &outputs)
      layer.respond(
        .init(1), response(status, to: invite, toTag: "t"), status: status, label: .none, at: .zero, &outputs)
      outputs = []
      layer.receive(try message(request(.ack, toTag: ";tag=t")), at: seconds(0.1), &outputs)
      #expect(lines(outputs) == expected)
    }
  }

  @Test func `an abandoned INVITE is never answered, not even with 100, and forgotten after 64·T1`() throws {
    let layer = TransactionLayer()
    var outputs: [TransactionLayer.Output] = []
    let invite = try message(request(.invite))
    layer.receive(invite, at: .zero, &outputs)
    layer.abandon(.init(1), at: .zero, &outputs)
    outputs = []
    layer.receive(invite, at: seconds(0.5), &outputs)
    layer.wake(at: seconds(1), &outputs)
    #expect(outputs.isEmpty)
    layer.wake(at: seconds(32), &outputs)
    #expect(lines(outputs) == ["ended server 1"])
    #expect(layer.count == 0)
  }

  @Test func `a flood of abandoned requests keeps the newest 1,024 alone`() throws {
    let layer = TransactionLayer()
    var outputs: [TransactionLayer.Output] = []
    for number in 1...3_000 {
      layer.receive(try message(request(.invite, branch: "z9hG4bK\(number)")), at: .zero, &outputs)
      layer.abandon(.init(UInt32(number)), at: .zero, &outputs)
    }
    #expect(layer.count == AbandonedServers.limit)
    #expect(lines(outputs).filter { $0.hasPrefix("ended server") }.count == 3_000 - AbandonedServers.limit)
    layer.wake(at: seconds(32), &outputs)
    #expect(layer.count == 0 && layer.nextDeadline == nil)
  }

  @Test func `without rport an answer over UDP goes to the port of Via (RFC 3261 §18.2.2)`() throws {
    let layer = TransactionLayer()
    var outputs: [TransactionLayer.Output] = []
    var source = flow
    source.remote.port = 40_000
    for (via, port) in [
      ("UDP h:5070;branch=z9hG4bKa", 5070), ("UDP h;branch=z9hG4bKb", 5060),
      ("UDP h;branch=z9hG4bKc;rport", 40_000),
    ] {
      let options = try message(request(.options, via: via), on: source)
      outputs = []
      layer.receive(options, at: .zero, &outputs)
      guard case .request(let id, _)? = outputs.first else {
        Issue.record("\(via): the request was not handed up")
        continue
      }
      layer.respond(id, response(200, to: options), status: 200, label: .none, at: .zero, &outputs)
      guard case .reply(_, let target, port: _, _)? = outputs.last else {
        Issue.record("\(via): the answer was not sent")
        continue
      }
      #expect(target.remote.port == UInt16(port))
    }
  }

  @Test func `a flow that broke fails what waits on it, in the order it was sent (RFC 3261 §8.1.3.1)`() {
    let layer = TransactionLayer()
    var outputs: [TransactionLayer.Output] = []
    for index in 1...3 {
      let (branch, key) = ("z9hG4bK\(index)", Bytes("z9hG4bK\(index)"))
      _ = layer.send(request(.options, branch: branch), method: .options, branch: key, on: flow, label: .none, at: .zero, &outputs)
    }
    outputs = []
    layer.flowFailed(flow, .unreachable, at: seconds(1), &outputs)
    #expect(lines(outputs).filter { $0.hasPrefix("failed") } == (1...3).map { "failed \($0) unreachable (ICMP)" })
    #expect(layer.count == 0)
  }

  @Test func `a request that did not leave fails its own transaction and no other (RFC 3261 §17.1.4)`() {
    let layer = TransactionLayer()
    var outputs: [TransactionLayer.Output] = []
    for index in 1...3 {
      let (branch, key) = ("z9hG4bK\(index)", Bytes("z9hG4bK\(index)"))
      _ = layer.send(request(.options, branch: branch), method: .options, branch: key, on: flow, label: .none, at: .zero, &outputs)
    }
    let sent = outputs.compactMap { if case .send(let bytes, _, _) = $0 { bytes } else { nil } }
    outputs = []
    layer.sendFailed(sent[1], .networkUnreachable, at: seconds(1), &outputs)
    #expect(lines(outputs).filter { $0.hasPrefix("failed") } == ["failed 2 not sent: ENETUNREACH, no route to the network"])
    // A want that passes counts as a lost datagram: Timer E sends again (RFC 8085 §5.2).
    layer.sendFailed(sent[0], .noBufferSpace, at: seconds(1), &outputs)
    #expect(layer.count == 2)
  }

  @Test func `a message without what a transaction needs is named, and a response to nothing is stray`() throws {
    let layer = TransactionLayer()
    var outputs: [TransactionLayer.Output] = []
    layer.receive(try message("OPTIONS sip:a SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n"), at: .zero, &outputs)
    layer.receive(try message(response(200, to: try message(request(.options)))), at: .zero, &outputs)
    #expect(lines(outputs) == ["unusable: Via is missing (RFC 3261 §8.1.1)", "stray"])
  }
}
