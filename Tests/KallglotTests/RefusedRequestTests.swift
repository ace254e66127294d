import KallglotPolicy
import SIPMessage
import SansIO
import Testing

@testable import Kallglot

/// A request is answered for the first thing that is wrong with it, and everything else that is wrong is named besides.
@Suite struct RefusedRequestTests {
  private let bench = EndpointBench()
  private static let noAudio = "v=0\r\no=pbx 1 2 IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 192.0.2.20\r\nt=0 0\r\n"
  private static let halfMedia = "v=0\r\no=pbx 1 1 IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 192.0.2.20\r\nt=0 0\r\nm=audio 4000\r\n"
  private static let noAddress = "v=0\r\no=pbx 1 1 IN IP4 192.0.2.20\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"

  @Test func `488 for want of audio names the streams that were dropped (RFC 3264 §8)`() throws {
    let call = try #require(bench.establish("one"))
    #expect(bench.send(bench.inDialog("INVITE", call, sequence: 2, body: Self.noAudio)).last?.status == 488)
    #expect(bench.violations == [.offerDropsStreams])
  }

  @Test func `491 names what the offer breaks that nobody answers (RFC 5407 §3.1.5)`() throws {
    let answer = try #require(bench.send(bench.invite(to: "sip:1@sip.kallglot.com", identity: "one")).last)
    let call = EndpointBench.Call(identity: "one", tag: try #require(try answer.to().tag), contact: "")
    #expect(bench.send(bench.inDialog("INVITE", call, sequence: 2, body: Self.noAudio)).last?.status == 491)
    #expect(bench.violations == [.offerDropsStreams])
  }

  @Test func `420 within a dialog names the offer's rules as well, 500 for its CSeq the extension (RFC 3261 §8.2.2.3, §12.2.2)`() throws {
    let call = try #require(bench.establish("one"))
    let both = bench.inDialog("INVITE", call, sequence: 2, headers: ["Require: path"], body: Self.noAudio)
    #expect(bench.send(both).last?.status == 420)
    #expect(bench.violations == [.requireInDialog, .offerDropsStreams])
    bench.forgetEvents()
    #expect(bench.send(bench.inDialog("OPTIONS", call, sequence: 1, headers: ["Require: path"])).last?.status == 500)
    #expect(bench.violations == [.requireInDialog, .sequenceNotHigher])
  }

  @Test(arguments: [halfMedia, noAddress])
  func `an INVITE that is refused for its offer, for the policy or for an extension has an unusable offer in each case`(body: String) {
    #expect(bench.send(bench.invite(body: body)).last?.status == 488)
    #expect(bench.violations == [.offerUnusable])
    let closed = EndpointBench(.with { $0.sipAccess = false })
    #expect(closed.send(closed.invite(body: body)).last?.status == 403)
    #expect(closed.violations == [.offerUnusable])
    let strict = EndpointBench()
    #expect(strict.send(strict.invite(headers: ["Require: path", "no Contact"], body: body)).last?.status == 420)
    #expect(strict.violations == [.contactMissing, .offerUnusable])
  }

  @Test func `an offer that asks for what we do not do breaks no rule`() {
    for media in ["m=audio 4000 RTP/AVP 18\r\n", "m=audio 4000 RTP/AVPF 0\r\n", "m=video 4000 RTP/AVP 31\r\n"] {
      let body = "v=0\r\no=pbx 1 1 IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 192.0.2.20\r\nt=0 0\r\n" + media
      #expect(bench.send(bench.invite(body: body)).last?.status == 488)
    }
    #expect(bench.violations == [])
  }

  @Test func `a header that is refused with 400 is looked at to its end`() {
    let text = bench.invite(headers: ["Contact: <not a uri", "Date: yesterday"])
    #expect(bench.send(text).last?.status == 400)
    #expect(bench.violations == [.messageForm])
  }

  @Test func `our 183 and our 200 have the same answer, and so have their copies (RFC 6337 §3.1.1)`() {
    var policy = Policy.open
    policy.answerWith = .earlyMedia
    let bench = EndpointBench(policy, answerDelay: .seconds(2))
    var bodies: Set<String> = []
    var statuses: [Int] = []
    for message in bench.send(bench.invite(to: "sip:1@sip.kallglot.com")) + bench.wait(.seconds(6)) where !message.body.isEmpty {
      bodies.insert(message.body.text)
      statuses.append(message.status ?? 0)
    }
    #expect(statuses.prefix(2) == [183, 200] && statuses.count >= 4)
    #expect(bodies.count == 1)
  }
}
