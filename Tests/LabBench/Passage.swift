import SansIO

/// SIP messages of one Call-ID between any hosts, with what proxies on the way put into them.
public struct Passage {
  /// A Via: the host and its branch, without the magic cookie.
  public typealias Hop = (host: IPAddress, branch: String)

  public var callID: String
  /// The caller's, who writes requests where nothing else is said.
  public var tag: String

  public init(callID: String = "passage", tag: String = "a1") { (self.callID, self.tag) = (callID, tag) }

  /// - Parameters:
  ///   - via: the topmost first.
  ///   - tag: From's; nil = the caller's.
  ///   - to: To's tag; nil = outside a dialog.
  public func request(
    _ method: String, _ cseq: Int, via: [Hop], from tag: String? = nil, to: String? = nil, extra: [String] = [], sdp: String = ""
  ) -> Bytes {
    // Within a dialog it goes to the Contact of the other side (RFC 3261 §12.2.1.1).
    let target = to == nil ? "bob@example.com" : "user@\(to == self.tag ? alice : bob)"
    return message(
      "\(method) sip:\(target) SIP/2.0", "\(cseq) \(method)", via, tag, to,
      ["Max-Forwards: 70", "Contact: <sip:user@\(via.last?.host ?? alice)>"] + extra, sdp)
  }

  /// A response to a request with these Vias.
  public func response(
    _ status: String, _ method: String, _ cseq: Int, via: [Hop], from tag: String? = nil, to: String?, extra: [String] = [],
    sdp: String = ""
  ) -> Bytes { message("SIP/2.0 \(status)", "\(cseq) \(method)", via, tag, to, ["Contact: <sip:user@\(bob)>"] + extra, sdp) }

  private func message(
    _ start: String, _ cseq: String, _ via: [Hop], _ from: String?, _ to: String?, _ extra: [String], _ sdp: String
  ) -> Bytes {
    let hops = via.map { "Via: SIP/2.0/UDP \($0.host):5060;branch=z9hG4bK\($0.branch)" }
    let own = [
      "From: <sip:alice@example.com>;tag=\(from ?? tag)", "To: <sip:bob@example.com>\(to.map { ";tag=\($0)" } ?? "")", "Call-ID: \(callID)",
      "CSeq: \(cseq)",
    ]
    return Bytes(SIPText.message(start, hops + own + extra, body: sdp))
  }
}

public let proxy = IPAddress(v4: 0xCB00_7150)
public let carol = IPAddress(v4: 0xC633_644D)

extension Packets {
  /// INVITE, 180, 200 through a proxy that stays on the way or not, seen on both hops, a message every millisecond. No ACK.
  public mutating func answerThroughProxy(_ passage: Passage = Passage(), stays: Bool = true) {
    let (first, both): ([Passage.Hop], [Passage.Hop]) = ([(alice, "a1")], [(proxy, "p1"), (alice, "a1")])
    let routes = stays ? ["Record-Route: <sip:\(proxy);lr>"] : []
    let (offer, answer) = (Talk.sdp(alice, 10_000), Talk.sdp(bob, 20_000))
    udp(alice, to: proxy, passage.request("INVITE", 1, via: first, sdp: offer))
    step(proxy, to: alice, passage.response("100 Trying", "INVITE", 1, via: first, to: nil))
    step(proxy, to: bob, passage.request("INVITE", 1, via: both, extra: routes, sdp: offer))
    step(bob, to: proxy, passage.response("180 Ringing", "INVITE", 1, via: both, to: "b1", extra: routes))
    step(proxy, to: alice, passage.response("180 Ringing", "INVITE", 1, via: first, to: "b1", extra: routes))
    step(bob, to: proxy, passage.response("200 OK", "INVITE", 1, via: both, to: "b1", extra: routes, sdp: answer))
    step(proxy, to: alice, passage.response("200 OK", "INVITE", 1, via: first, to: "b1", extra: routes, sdp: answer))
    wait(1)
  }

  /// A datagram a millisecond after the last.
  public mutating func step(_ source: IPAddress, to destination: IPAddress, _ payload: Bytes) {
    wait(1)
    udp(source, to: destination, payload)
  }
}
