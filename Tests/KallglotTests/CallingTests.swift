import KallglotPolicy
import CallControl
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO
import Testing

@testable import Kallglot

/// Calls that the endpoint places itself, and what it tells of the peer's reasons.
@Suite struct CallingTests {
  private static let here = TransportAddress(IPAddress(v4: 0x0A00_0001), port: 5060)
  private static let pbx = TransportAddress(IPAddress(v4: 0x0A00_0002), port: 5060)

  /// An endpoint without authentication that listens, and what it does.
  private final class Bench {
    let endpoint: KallglotEndpoint
    var out = Outbox()
    private let now = Instant(nanoseconds: 1_000_000)

    init() {
      var policy = Policy.standard
      policy.authentication = .none
      policy.anyDomain = true
      endpoint = KallglotEndpoint(
        .init(listener: policy, listeners: [TransportListener(.udp, CallingTests.here)], mediaAddress: CallingTests.here.address),
        tls: nil, entropy: Entropy(seed: 1), epoch: .virtual)
      endpoint.start(at: .zero, &out)
      bindAll()
    }

    /// Opens what the endpoint asked to be opened since the last time.
    func bindAll() {
      let asked = out.departures
      out = Outbox()
      for departure in asked {
        if case .bind(let port, let address, _) = departure { endpoint.receive(.bound(port, address), at: now, &out) }
      }
    }

    func receive(_ text: String, from source: TransportAddress = CallingTests.pbx) {
      endpoint.receive(.datagram(PortID(1), from: source, Bytes(text)), at: now, &out)
    }

    func perform(_ change: Administration) { endpoint.perform(.administer(change), at: now, &out) }

    var sent: [(to: TransportAddress, message: SIPMessage)] {
      out.departures.compactMap { departure in
        guard case .datagram(_, to: let remote, let bytes, _) = departure, let message = try? SIPMessage.parse(bytes) else { return nil }
        return (remote, message)
      }
    }

    /// What it told; that it listens is no news.
    var events: [EndpointEvent] {
      let all = out.departures.compactMap { if case .event(let event) = $0 { event as? EndpointEvent } else { nil } }
      return all.filter { if case .party(.listening) = $0 { false } else { true } }
    }
  }

  private func register(_ contact: String) -> String {
    """
    REGISTER sip:10.0.0.1 SIP/2.0\r
    Via: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK1\r
    From: <sip:acme@10.0.0.1>;tag=a\r
    To: <sip:acme@10.0.0.1>\r
    Call-ID: r1\r
    CSeq: 1 REGISTER\r
    Contact: <\(contact)>\r
    Content-Length: 0\r
    \r

    """
  }

  private func invite(to contact: String) throws -> (to: TransportAddress, message: SIPMessage)? {
    let bench = Bench()
    bench.receive(register(contact))
    bench.perform(.callAccount("acme", name: nil))
    bench.bindAll()
    return bench.sent.first { $0.message.method == .invite }
  }

  @Test func `an account is called at its whole Contact, parameters included (RFC 3261 §16.5)`() throws {
    let call = try #require(try invite(to: "sip:acme@10.0.0.2:5070;line=abcdefg"))
    #expect(call.message.requestURIBytes?.text == "sip:acme@10.0.0.2:5070;line=abcdefg")
    #expect(call.to == TransportAddress(Self.pbx.address, port: 5070))
  }

  @Test func `a Contact that is not where the REGISTER came from is called where that was (contract 8.5, natContact)`() throws {
    let call = try #require(try invite(to: "sip:acme@192.168.0.9:5070"))
    #expect(call.message.requestURIBytes?.text == "sip:acme@192.168.0.9:5070")
    #expect(call.to == Self.pbx)
  }

  @Test func `a Contact that names a host is called where its REGISTER came from`() throws {
    #expect(try invite(to: "sip:acme@pbx.example.com")?.to == Self.pbx)
  }

  @Test func `an account that is not registered is not called, and that is told`() {
    let bench = Bench()
    bench.perform(.callAccount("acme", name: nil))
    #expect(bench.events == [.notCalled(account: "acme", reason: "it has no registered contact")])
    #expect(bench.sent.isEmpty)
  }

  @Test func `the Reason of a CANCEL is told before the end (RFC 3326 §2)`() throws {
    let bench = Bench()
    let head = "Via: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK7\r\nFrom: <sip:a@h>;tag=f\r\nTo: <sip:b@10.0.0.1>\r\nCall-ID: c7\r\n"
    let body = "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
    bench.receive(
      "INVITE sip:b@10.0.0.1 SIP/2.0\r\n\(head)CSeq: 1 INVITE\r\nContact: <sip:a@10.0.0.2>\r\nContent-Type: application/sdp\r\n"
        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    bench.receive(
      "CANCEL sip:b@10.0.0.1 SIP/2.0\r\n\(head)CSeq: 1 CANCEL\r\nReason: Q.850;cause=16;text=\"bye, now\"\r\nReason: SIP;cause=200\r\n"
        + "Content-Length: 0\r\n\r\n")
    let reasons = bench.events.compactMap { if case .party(.reason(_, let text)) = $0 { text } else { nil } }
    #expect(reasons == ["Q.850;cause=16;text=\"bye, now\", SIP;cause=200"])
    guard case .party(.ended(_, .cancelledByPeer, _))? = bench.events.last else {
      Issue.record("the leg ended by CANCEL: \(bench.events)")
      return
    }
  }
}
