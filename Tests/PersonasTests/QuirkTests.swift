import SIPMessage
import SIPUserAgent
import Testing

@testable import Personas

private let checks: [(PersonaProfile, [QuirkCheck])] = [(.plainCaller, []), (.asterisk22, asteriskChecks), (.cucm14, cucmChecks)]

struct QuirkCase: Sendable, CustomTestStringConvertible {
  let profile: PersonaProfile
  let check: QuirkCheck
  var testDescription: String { "\(profile.id): \(check.quirk)" }
}

@Suite struct QuirkTests {
  @Test(arguments: checks.flatMap { profile, checks in checks.map { QuirkCase(profile: profile, check: $0) } })
  func `a quirk shows, and the product without it does not show it`(entry: QuirkCase) throws {
    let profile = entry.check.claims ? entry.profile.claimingEverything : entry.profile
    #expect(try entry.check.shows(profile))
    #expect((try? entry.check.shows(profile.without(entry.check.quirk))) != true)
  }

  @Test func `every quirk of every product has one check, and no check is about anything else`() {
    #expect(checks.map(\.0.id) == PersonaProfile.all.map(\.id))
    for (profile, checks) in checks {
      #expect(checks.map(\.quirk).sorted() == profile.quirks.map(\.id).sorted(), "\(profile.id)")
      #expect(Set(profile.quirks.map(\.id)).count == profile.quirks.count)
    }
  }

  @Test func `every quirk says what it is and where it was seen`() {
    for quirk in PersonaProfile.all.flatMap(\.quirks) {
      #expect(quirk.id.wholeMatch(of: #/[a-z0-9]+(-[a-z0-9]+)*/#) != nil, "\(quirk.id)")
      #expect(quirk.habit.count > 10)
      #expect(quirk.source.contains(#/observed|trace|Guide|note|documentation/#), "\(quirk.id): \(quirk.source)")
    }
  }

  @Test(arguments: PersonaProfile.all.map(\.id))
  func `what a persona does not speak it claims nowhere`(id: String) throws {
    let profile = try #require(PersonaProfile.named(id))
    let bench = PersonaBench(profile)
    bench.receive(Peer.request("INVITE", body: Peer.offer))
    bench.receive(Peer.request("OPTIONS", branch: "2", callID: "mc2"))
    let messages = try [bench.invite(), bench.ping(), bench.register()] + bench.sent
    for message in messages {
      let allow = message.commaValues(.allow).map(\.text)
      let supported = message.commaValues(.supported).map(\.text)
      #expect(Set(allow).isDisjoint(with: ["PRACK", "UPDATE", "SUBSCRIBE", "REFER"]))
      #expect(Set(supported).isDisjoint(with: ["100rel", "timer", "replaces", "norefersub"]))
      #expect(message.value("Session-Expires") == nil && message.value("Min-SE") == nil && message.value("Require") == nil)
    }
  }

  @Test(arguments: PersonaProfile.all.map(\.id), ["100rel", "timer", "replaces"])
  func `a Require of what a persona does not speak gets 420 (RFC 3261 §8.2.2.3)`(id: String, option: String) throws {
    let bench = PersonaBench(try #require(PersonaProfile.named(id)))
    bench.receive(Peer.request("INVITE", headers: ["Require: \(option)"], body: Peer.offer))
    #expect(try bench.response(420).value("Unsupported") == option)
  }

  @Test(arguments: PersonaProfile.all.map(\.id))
  func `an INVITE with Session-Expires is answered without one (RFC 4028 §9: it is optional)`(id: String) throws {
    let bench = PersonaBench(try #require(PersonaProfile.named(id)))
    let success = try bench.beCalled(Peer.request("INVITE", headers: ["Supported: timer", "Session-Expires: 1800"], body: Peer.offer))
    #expect(success.value("Session-Expires") == nil && success.value("Require") == nil)
  }

  @Test func `REGISTERs of one binding have one Call-ID and rising CSeq, its removal names the same Contact (RFC 3261 §10.2)`() throws {
    let bench = PersonaBench(.asterisk22)
    let first = try bench.register()
    bench.receive(Peer.answer(first, 401, headers: ["WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\""]))
    try bench.acceptRegistration()
    bench.advance(.milliseconds(50_100))
    try bench.acceptRegistration()
    let removal = try bench.register(expires: 0)
    let all = bench.requests(.register)
    #expect(Set(try all.map { try $0.callID() }).count == 1)
    let start = try first.cseq().number
    #expect(try all.map { try $0.cseq().number } == (0..<4).map { start + $0 })
    #expect(removal.value("Contact") == first.value("Contact") && removal.value("Expires") == "0")
  }
}
