import SIPMessage
import SIPUserAgent
import SansIO
import Testing

@testable import CallControl

/// 3xx, requests too large for UDP, and where requests go.
@Suite struct RedirectionTests {
  private let bench = CallAgentBench()

  @Test
  func `the contacts of a 302 are tried by their q, each with the next CSeq, the same To, From and Call-ID (RFC 3261 §8.1.3.4, CALL-07)`()
    throws
  {
    let invite = try #require(try bench.dial())
    bench.answer(invite, 302, headers: ["Contact: <sip:low@198.51.100.12>;q=0.1, <sip:high@198.51.100.11:5070>;q=0.9"])
    var sent = bench.takeWithTargets()
    #expect(sent.map(\.message).words == ["ACK", "INVITE"])
    let second = try #require(sent.last)
    #expect(second.to == TransportAddress(IPAddress(v4: 0xC633_640B), port: 5070))
    #expect(second.message.requestURIBytes?.text == "sip:high@198.51.100.11:5070")
    #expect(try second.message.callID() == invite.callID() && second.message.from().tag == invite.from().tag)
    #expect(try second.message.cseq().number == invite.cseq().number + 1)
    bench.answer(second.message, 486)
    sent = bench.takeWithTargets()
    #expect(sent.last?.message.requestURIBytes?.text == "sip:low@198.51.100.12", "a busy contact is not the end while another is left")
    bench.answer(sent.last?.message, 200, body: CallAgentBench.answer)
    #expect(bench.isUp)
  }

  @Test func `a redirection to a place that was tried is a loop: the call is refused (RFC 3261 §8.1.3.4)`() throws {
    let invite = try bench.dial()
    bench.answer(invite, 302, headers: ["Contact: <sip:b@198.51.100.11>"])
    let second = bench.take().last
    bench.answer(second, 302, headers: ["Contact: <sip:sess_demo@198.51.100.10>, <sip:b@198.51.100.11>"])
    #expect(bench.take().words == ["ACK"])
    #expect(bench.ends == [.refused(status: 302)])
  }

  @Test func `redirections come to an end, and 6xx ends them at once (RFC 3261 §8.1.3.4, §21.6)`() throws {
    var invite = try bench.dial()
    var hops = 0
    for number in 1...30 {
      bench.answer(invite, 302, headers: ["Contact: <sip:n\(number)@198.51.100.11>"])
      guard let next = bench.take().last, next.method == .invite else { break }
      invite = next
      hops += 1
    }
    #expect(hops == 7 && bench.ends == [.refused(status: 302)])
    let other = CallAgentBench()
    other.answer(try other.dial(), 300, headers: ["Contact: <sip:a@198.51.100.11>, <sip:b@198.51.100.12>"])
    other.answer(other.take().last, 603)
    #expect(other.ends == [.refused(status: 603)])
  }

  @Test func `305 sends the same request to the proxy it names (RFC 3261 §21.3.4)`() throws {
    let invite = try #require(try bench.dial())
    bench.answer(invite, 305, headers: ["Contact: <sip:198.51.100.11:5090>"])
    let second = try #require(bench.takeWithTargets().last)
    #expect(second.message.requestURIBytes?.text == invite.requestURIBytes?.text)
    #expect(second.to?.port == 5090)
  }

  @Test func `a request over 1300 bytes goes over TCP with a Via that says so; its dialog stays on UDP (RFC 3261 §18.1.1, CON-06)`() throws
  {
    let padding = HeaderField(HeaderName("X-Padding"), String(repeating: "x", count: 1_000))
    #expect(try bench.dial(fields: [padding]) == nil)
    let connection = try #require(bench.opened.last)
    #expect(connection.to == CallAgentBench.peer)
    bench.receive(.opened(connection.id, local: .init(CallAgentBench.own, port: 50_000), remote: connection.to))
    let invite = try #require(bench.take().first)
    #expect(invite.bytes.count > 1_300)
    #expect(try invite.via().transport == "TCP")
  }

  @Test func `the limit is 1300 bytes, not one less (RFC 3261 §18.1.1)`() throws {
    func isStream(_ count: Int) throws -> (Bool, Int) {
      let bench = CallAgentBench()
      let field = HeaderField(HeaderName("X-Padding"), String(repeating: "x", count: count))
      let invite = try bench.dial(fields: [field])
      return (!bench.opened.isEmpty, invite?.bytes.count ?? 0)
    }
    let (_, bare) = try isStream(0)
    #expect(try isStream(1_300 - bare) == (false, 1_300))
    #expect(try isStream(1_301 - bare).0)
  }

  @Test func `when the peer takes no TCP the large request goes over UDP all the same (RFC 3261 §18.1.1)`() throws {
    let padding = HeaderField(HeaderName("X-Padding"), String(repeating: "x", count: 1_000))
    _ = try bench.dial(fields: [padding])
    let connection = try #require(bench.opened.last)
    bench.receive(.refused(connection.id, .refused))
    let invite = try #require(bench.take().first)
    #expect(try invite.via().transport == "UDP")
    bench.answer(invite, 200, body: CallAgentBench.answer)
    #expect(bench.isUp)
    bench.perform(.hangUp(try #require(bench.leg)))
    bench.answer(bench.take().last, 200)
    bench.wait(.seconds(70))
    #expect(bench.leftovers == [])
  }

  @Test func `hold, resume and a re-INVITE that is refused: the session stays as it was (RFC 3261 §14.1, MOD-02)`() throws {
    let invite = try bench.dial()
    bench.answer(invite, 200, body: CallAgentBench.answer)
    _ = bench.take()
    let leg = try #require(bench.leg)
    bench.perform(.reinvite(leg, .hold(.sendonly)))
    let held = try #require(bench.take().last)
    #expect(held.body.text.contains("a=sendonly") && held.body.text.contains("o=- "))
    bench.answer(held, 200, body: CallAgentBench.answer.replacing("sendrecv", with: "recvonly").replacing("uas 1 1", with: "uas 1 2"))
    #expect(bench.session?.agreement.direction == .sendonly)
    bench.perform(.reinvite(leg, .resume))
    bench.answer(bench.take().last, 488)
    #expect(bench.session?.agreement.direction == .sendonly && bench.isUp)
    bench.perform(.reinvite(leg, .resume))
    bench.answer(bench.take().last, 200, body: CallAgentBench.answer.replacing("uas 1 1", with: "uas 1 3"))
    #expect(bench.session?.agreement.direction == .sendrecv)
    #expect(bench.violations == [])
  }

  @Test func `what a peer does wrong in offer and answer without harm is named (RFC 3264 §6.1, §8)`() throws {
    let invite = try bench.dial()
    bench.answer(invite, 200, body: CallAgentBench.answer)
    _ = bench.take()
    let leg = try #require(bench.leg)
    bench.perform(.reinvite(leg, .hold(.sendonly)))
    // sendrecv to sendonly, and another description under the same version.
    bench.answer(bench.take().last, 200, body: CallAgentBench.answer.replacing("6000", with: "6002"))
    #expect(Set(bench.violations) == [.answerDirection, .originVersion])
    #expect(bench.session?.agreement.direction == .sendonly, "the call goes on with what both allow")
  }
}
