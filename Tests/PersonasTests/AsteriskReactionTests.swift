import Foundation
import SIPMessage
import Testing

@testable import Personas

/// What Asterisk 22.10.1 answered to odd input on loopback, beside the quirks that have checks of their own.
@Suite struct AsteriskReactionTests {
  private func reaction(_ request: String) throws -> SIPMessage {
    let bench = PersonaBench(.asterisk22)
    bench.receive(request)
    return try #require(bench.sent.last)
  }

  @Test(arguments: ["FOO", "INFO", "REFER"])
  func `an unknown method, and INFO and REFER outside dialogs get 501, with the branch as To tag`(method: String) throws {
    let answer = try reaction(Peer.request(method))
    #expect(answer.status == 501)
    #expect(try answer.to().tag == "z9hG4bKpeer1")
    #expect(answer.names == ["Via", "Call-ID", "From", "To", "CSeq", "Server", "Content-Length"])
  }

  @Test(arguments: ["BYE", "INVITE"])
  func `a request within a dialog it does not know gets 481`(method: String) throws {
    let answer = try reaction(Peer.request(method, tag: "bogus", sequence: 5, body: method == "INVITE" ? Peer.offer : ""))
    #expect(answer.status == 481)
    #expect(answer.names == ["Via", "Call-ID", "From", "To", "CSeq", "Server", "Content-Length"])
  }

  @Test func `CANCEL gets 481 where there is no INVITE, and with a To tag after the 200 (RFC 3261 §9.2)`() throws {
    #expect(try reaction(Peer.request("CANCEL")).status == 481)
    let bench = PersonaBench(.asterisk22)
    let success = try bench.beCalled()
    bench.receive(Peer.request("CANCEL", tag: try success.to().tag, branch: "9"))
    #expect(bench.sent.last?.status == 481)
    #expect(bench.requests(.bye).isEmpty)
  }

  @Test func `Max-Forwards 0, a missing Max-Forwards and a branch of RFC 2543 are taken`() throws {
    let invite = Peer.request("INVITE", body: Peer.offer)
    for (old, new) in [("Max-Forwards: 70", "Max-Forwards: 0"), ("Max-Forwards: 70\r\n", ""), ("z9hG4bKpeer1", "old1")] {
      #expect(invite.contains(old))
      #expect(try reaction(invite.replacingOccurrences(of: old, with: new)).status == 200)
    }
  }

  @Test func `a body that is no SDP gets 415 with Accept before Server`() throws {
    let answer = try reaction(Peer.request("INVITE", contentType: "text/plain", body: "hello"))
    #expect(answer.status == 415)
    #expect(answer.names == ["Via", "Call-ID", "From", "To", "CSeq", "Accept", "Server", "Content-Length"])
    #expect(answer.value("Accept") == "application/sdp")
  }

  @Test(arguments: [("sendonly", "recvonly"), ("inactive", "inactive"), ("sendrecv", "sendrecv")])
  func `a hold is answered by its mirror`(offered: String, answered: String) throws {
    let bench = PersonaBench(.asterisk22)
    let success = try bench.beCalled()
    let offer = Peer.offer.replacingOccurrences(of: "sendrecv", with: offered)
    bench.receive(Peer.request("INVITE", tag: try success.to().tag, sequence: 2, branch: "2", body: offer))
    #expect(try bench.response(200).body.text.hasSuffix("a=\(answered)\r\n"))
  }

  @Test func `the old hold by c=0.0.0.0 is answered recvonly`() throws {
    let bench = PersonaBench(.asterisk22)
    let success = try bench.beCalled()
    let offer = Peer.offer.replacingOccurrences(of: "c=IN IP4 127.0.0.1", with: "c=IN IP4 0.0.0.0")
    bench.receive(Peer.request("INVITE", tag: try success.to().tag, sequence: 2, branch: "2", body: offer))
    #expect(try bench.response(200).body.text.hasSuffix("a=recvonly\r\n"))
  }

  @Test func `an INVITE without offer gets one of all codecs, an empty re-INVITE one of the agreed codec`() throws {
    let bench = PersonaBench(.asterisk22)
    bench.receive(Peer.request("INVITE"))
    let offer = try bench.response(200)
    #expect(offer.body.text.contains(" RTP/AVP 0 8 101\r\n"))
    let tag = try offer.to().tag
    bench.receive(Peer.request("ACK", tag: tag, branch: "ack", body: Peer.offer))
    bench.receive(Peer.request("INVITE", tag: tag, sequence: 2, branch: "2"))
    #expect(try bench.response(200).body.text.contains(" RTP/AVP 0 101\r\n"))
  }
}
