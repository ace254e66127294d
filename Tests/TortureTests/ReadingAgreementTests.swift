import Foundation
import SansIO
import Testing

@testable import SIPMessage

/// What is read of a message without making text of it, beside the typed readers, over the torture messages, the fixtures and mutations of
/// them.
@Suite struct ReadingAgreementTests {
  private static let originals: [Bytes] = {
    let root = TortureCase.root.appendingPathComponent("fixtures")
    let folders = ["sip", "fuzz/message"]
    let files = folders.flatMap { folder -> [Bytes] in
      let path = root.appendingPathComponent(folder).path
      let names = ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
      return names.compactMap { FileManager.default.contents(atPath: "\(path)/\($0)") }.map { Bytes([UInt8]($0)) }
    }
    return TortureCase.all.map(\.message) + files + [Bytes(rich)]
  }()

  /// Every field that is looked at, in its plain form, and lists over commas and lines.
  private static let rich = """
    INVITE sip:bob@[2001:db8::10]:5070;transport=tcp;lr SIP/2.0
    v: SIP/2.0/UDP [2001:db8::9:1]:5062;rport;received=192.0.2.1;maddr=224.2.0.1;branch="z9hG4bK\\"1", SIP / 2.0 / TCP a.example : 5061
    Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx
    Record-Route: <sip:p1.example;lr>, <sips:p2.example:5061;transport=ws>
    Route: <sip:p3.example;lr;transport=sctp>
    f: "A. \\"Quoted\\", Name" <sip:alice:secret@192.0.2.20:5060?x=1>;tag="t1";x
    To: Bob
     The Second <tel:+49-30-1;ext=2> ; tag = t2
    Call-ID: a84b4c76e66710@pc33.example
    CSeq: 0314159 INVITE
    Contact: <sip:alice@[::ffff:192.0.2.20]>;expires=60, sip:second@b.example;q=0.5
    Max-Forwards: 70
    Expires: 300
    Date: Sat, 13 Nov 2010 23:29:00 GMT
    Timestamp: 54.21
    Retry-After: 120
    Warning: 399 a.example "text, \\"quoted\\"", 370 b "x"
    Content-Type: application/sdp;charset="utf-8"
    Content-Length: 3

    v=0
    """.replacing("\n", with: "\r\n")

  private static let pieces = [
    "\r\n ", " ", "\t", ";", ",", "\"", "\\", "<", ">", "[", "]", ":", "::", ":::", "@", "=", "?", "&", "/", "%41", "*", "0", "65536",
    "z9hG4bK", ";tag=x", ";lr", ";transport=WSS", ";branch=", ";maddr", "sips:", "INVITE", "ü", ",,", "\"\"", "<>", "\r", "-", "4294967296",
    "Route: <sip:a>\r\n", "Via: SIP/2.0/UDP h\r\n", "Contact: *\r\n", "To: <sip:x@y>\r\n", "Date: never\r\n",
  ].map { Array($0.utf8) }

  /// One to four changes: a byte, a piece put in, a range taken out, or a piece of the message repeated elsewhere.
  private static func mutated(_ original: Bytes, _ random: inout SeededGenerator) -> Bytes {
    var bytes = original.array
    for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &random)
      let end = min(bytes.count, place + Int.random(in: 0...8, using: &random))
      switch Int.random(in: 0..<6, using: &random) {
      case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes[place] ^= 0x20
      case 2: bytes.removeSubrange(place..<end)
      case 3: bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &random))
      default: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: place)
      }
    }
    return Bytes(bytes)
  }

  /// The messages among the originals and `count` mutations of each.
  private static func messages(_ count: Int, _ body: (SIPMessage) -> Void) {
    var random = SeededGenerator(seed: 10)
    for original in originals {
      if let message = try? SIPMessage.parse(original) { body(message) }
      for _ in 0..<count { if let message = try? SIPMessage.parse(mutated(original, &random)) { body(message) } }
    }
  }

  /// The text at a place as the typed readers see it: folded lines joined (RFC 3261 §7.3.1).
  private static func text(_ message: SIPMessage, _ part: ByteRange?, isFolded: Bool = true) -> String? {
    guard let part else { return nil }
    let bytes = message[part]
    let isOverLines = isFolded && bytes.contains { $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") }
    return (isOverLines ? SIPMessage.unfolded(bytes) : bytes).text
  }

  private static func isFolded(_ message: SIPMessage, _ known: KnownHeader) -> Bool {
    message.slots.first { $0.known == known }?.isFolded ?? false
  }

  @Test func `the essentials are what the typed readers read (RFC 3261 §8.1.1, §17)`() {
    Self.messages(120) { message in
      let essentials = message.essentials()
      func text(_ part: ByteRange?, _ known: KnownHeader) -> String? { Self.text(message, part, isFolded: Self.isFolded(message, known)) }
      #expect(text(essentials.callID, .callID) == (try? message.callID()))
      #expect(text(essentials.fromTag, .from) == message.fromTag)
      #expect(text(essentials.toTag, .to) == message.toTag)
      #expect(essentials.cseq == (try? message.cseq()))
      #expect(essentials.hasSeveralVias == (message.has(.via) && !message.hasOneVia && message.commaValues(.via).count > 1))
      guard let via = try? message.via() else {
        #expect(essentials.via == nil)
        return
      }
      guard let place = essentials.via else {
        Issue.record("the typed Via is read, its place is not: \(message.bytes)")
        return
      }
      #expect(text(place.transport, .via) == via.transport)
      #expect(place.port == via.port && place.address == via.host.address)
      if case .name(let name) = via.host { #expect(text(place.host, .via) == name) }
      if let address = via.host.address, let host = text(place.host, .via), !host.contains(":::") { #expect(IPAddress(host) == address) }
      #expect(place.hasResponsePort == via.hasResponsePort && place.hasMulticastAddress == via.parameters.contains("maddr"))
      #expect(place.hasTransactionBranch == via.hasTransactionBranch)
      #expect(place.branchHash == (place.branch.map { ByteHash.of(message[$0]) } ?? 0))
      for (part, name) in [(place.branch, "branch"), (place.maddr, "maddr"), (place.received, "received"), (place.responsePort, "rport")] {
        let typed = via.parameters[name]
        // Escapes stay in the place of a quoted value.
        guard typed != text(part, .via), let raw = text(part, .via), raw.contains("\\") else {
          #expect(typed == text(part, .via) || typed == "")
          continue
        }
        #expect(typed == Grammar.unquoted("\"\(raw)\""))
      }
      #expect((try? Via(parsing: text(place.element, .via) ?? "")) == via)
    }
  }

  @Test func `a header that is skimmed as sound has no fault, and its facts are what the typed readers read (RFC 3261 §8.1.1, §8.2)`() {
    var (sound, unsound) = (0, 0)
    Self.messages(120) { message in
      let essentials = message.essentials()
      var skim = HeaderSkim()
      skim.run(message, essentials)
      let faults = message.checkedFaults()
      if skim.isSound { sound += 1 } else { unsound += 1 }
      #expect(!skim.isSound || faults.isEmpty, "\(faults) in \(message.bytes)")
      #expect(message.faults() == faults)
      let facts = message.facts(essentials)
      #expect(facts.from.flatMap { message.address($0) } == (try? message.from()))
      #expect(facts.to.flatMap { message.address($0) } == (try? message.to()))
      #expect(facts.expires == message.expires() && facts.maxForwards == message.maxForwards())
      let recordRoutes = (try? message.recordRoutes()) ?? []
      #expect(facts.recordRoute.flatMap { message.address($0) } == recordRoutes.first)
      if case .list(let contacts)? = try? message.contacts() {
        #expect(facts.contact.flatMap { message.address($0) } == contacts.first)
      } else {
        #expect(facts.contact == nil)
      }
      let uri = (try? message.requestURI()).flatMap { $0.headers.isEmpty ? $0 : nil }
      #expect(facts.requestURI.flatMap { message.uri($0) } == uri)
      for slot in [facts.requestURI, facts.from?.uri, facts.to?.uri, facts.contact?.uri, facts.recordRoute?.uri].compactMap(\.self) {
        guard let typed = message.uri(slot) else {
          Issue.record("a place that cannot be read again: \(message.text(slot.whole))")
          continue
        }
        let transport = slot.scheme == .other ? nil : typed.parameters["transport"]?.lowercased()
        let other = transport.map { ["udp", "tcp", "tls", "ws", "wss"].contains($0) ? $0 : "other" } ?? "none"
        #expect("\(slot.transport)" == other && slot.isSIPS == (typed.scheme == .sips))
        #expect(slot.isLooseRouter == typed.parameters.contains("lr") && slot.port == typed.port && slot.address == typed.host.address)
        #expect(slot.user.map { message.text($0) } == typed.user)
      }
      for slot in [facts.from, facts.to, facts.contact].compactMap(\.self) where slot.tag != nil {
        let raw = Self.text(message, slot.tag, isFolded: slot.isFolded) ?? ""
        #expect(raw.contains("\\") || raw == message.address(slot)?.tag)
      }
    }
    #expect(sound > 300 && unsound > 300, "both ways were taken: \(sound), \(unsound)")
  }

  @Test func `the messages of everyday are skimmed as sound`() throws {
    for message in Self.originals.compactMap({ try? SIPMessage.parse($0) }) where message.checkedFaults().isEmpty {
      guard !message.slots.contains(where: { $0.isFolded }) else { continue }
      var skim = HeaderSkim()
      skim.run(message, message.essentials())
      #expect(skim.isSound, "\(message.bytes)")
    }
  }
}
