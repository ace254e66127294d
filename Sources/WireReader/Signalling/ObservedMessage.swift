import SDP
import SIPMessage
import SansIO

/// One SIP message of a capture with what its reader needs of it.
public final class ObservedMessage: Sendable {
  public let stamp: FrameStamp
  public let transport: ObservedTransport
  public let source: TransportAddress
  public let destination: TransportAddress
  public let message: SIPMessage
  public let callID: String
  public let cseq: CSeq
  /// The topmost Via's branch; "" where there is none.
  public let branch: String
  /// Places of what stands in the header, and what is wrong with it.
  public let facts: MessageFacts
  public let description: ObservedDescription?
  /// The frame's comment says that the sender broke it on purpose.
  public let isDeliberatelyBroken: Bool
  /// IP fragments it came in; 1 = a whole packet.
  public let fragments: Int

  public let fromTag: String?
  public let toTag: String?
  public var status: Int? { message.status }
  /// The request's method; for a response that of the request it answers.
  public var method: SIPMethod { message.method ?? cseq.method }
  public var phrase: String { message.reasonPhrase?.text ?? "" }

  /// Header fields that could not be read, with the rule.
  public let mistakes: [String]
  /// As the topmost Via names it; "" where there is none.
  public let viaTransport: String
  /// Where the parts of the topmost Via are; nil where it is missing, goes over several lines or cannot be read.
  public let top: TopmostVia?
  /// The branch has the magic cookie (RFC 3261 §8.1.1.7).
  let hasCookie: Bool

  /// The topmost one; nil when it is missing or cannot be read.
  public var via: Via? { try? message.via() }
  public var from: NameAddress? { try? message.from() }
  public var to: NameAddress? { try? message.to() }

  private init(
    _ message: SIPMessage, _ origin: Carried<Void>, _ header: Header, _ facts: MessageFacts, mistakes: [String],
    isDeliberatelyBroken: Bool, fragments: Int, _ spellings: Spellings
  ) {
    (stamp, transport, source, destination) = (origin.stamp, origin.transport, origin.source, origin.destination)
    (self.message, callID, cseq, branch) = (message, header.callID, header.cseq, header.branch)
    (viaTransport, fromTag, toTag, self.facts) = (header.viaTransport, header.fromTag, header.toTag, facts)
    (top, hasCookie) = (header.top, header.branch.utf8.starts(with: Via.magicCookie.utf8))
    description = ObservedDescription(message, origin, spellings)
    (self.isDeliberatelyBroken, self.fragments, self.mistakes) = (isDeliberatelyBroken, fragments, mistakes)
  }

  /// What tells messages apart. Read from its places; a field that is folded or cannot be read, from its text.
  private struct Header {
    var callID = ""
    var cseq: CSeq
    var branch = ""
    var viaTransport = ""
    var top: TopmostVia?
    var fromTag: String?
    var toTag: String?
  }

  /// Nil when Call-ID or CSeq cannot be read: nobody knows what the message belongs to. The mistakes say why.
  static func read(
    _ message: SIPMessage, _ origin: Carried<Void>, isDeliberatelyBroken: Bool = false, fragments: Int = 1, _ spellings: Spellings
  ) -> (message: ObservedMessage?, mistakes: [String]) {
    let essentials = message.essentials()
    let facts = message.facts(essentials)
    var mistakes: [String] = []
    func attempt<Value>(_ body: () throws(SIPHeaderError) -> Value) -> Value? {
      do { return try body() } catch {
        mistakes.append(Self.words(error))
        return nil
      }
    }
    func isPlain(_ part: ByteRange) -> Bool {
      message.bytes.withSpan { WordScan.first(10, $0, part.range.lowerBound, part.range.upperBound) } == part.range.upperBound
    }
    func tag(_ slot: AddressSlot?, _ read: () throws(SIPHeaderError) -> NameAddress) -> String? {
      if let slot, isPlain(slot.element) { return slot.tag.map { spellings.text(message, $0) } }
      return attempt(read)?.tag
    }
    let word = essentials.callID.flatMap { isPlain($0) ? spellings.text(message, $0) : nil }
    let callID = word ?? attempt { () throws(SIPHeaderError) in try message.callID() }
    let cseq = essentials.cseq ?? attempt { () throws(SIPHeaderError) in try message.cseq() }
    var header = Header(callID: callID ?? "", cseq: cseq ?? CSeq(number: 0, method: .ack))
    if let via = essentials.via, isPlain(via.element) {
      header.top = via
      (header.branch, header.viaTransport) = (via.branch.map { spellings.text(message, $0) } ?? "", spellings.text(message, via.transport))
    } else if let via = attempt({ () throws(SIPHeaderError) in try message.via() }) {
      (header.branch, header.viaTransport) = (via.branch ?? "", via.transport)
    }
    header.fromTag = tag(facts.from) { () throws(SIPHeaderError) in try message.from() }
    header.toTag = tag(facts.to) { () throws(SIPHeaderError) in try message.to() }
    guard callID != nil, cseq != nil else { return (nil, mistakes) }
    let observed = ObservedMessage(
      message, origin, header, facts, mistakes: mistakes, isDeliberatelyBroken: isDeliberatelyBroken, fragments: fragments, spellings)
    return (observed, mistakes)
  }

  /// The URI of an address in its usual form; "?" where there is none.
  func uri(_ slot: AddressSlot?, _ spellings: Spellings, _ read: (ObservedMessage) -> NameAddress?) -> String {
    guard let slot, isUsual(slot.uri.whole) else { return read(self)?.uri.description ?? "?" }
    return spellings.text(message, slot.uri.whole)
  }

  func phrase(_ spellings: Spellings) -> String { message.reasonPhraseRange.map { spellings.text(message, $0) } ?? "" }

  /// The first Contact's URI as text; nil when there is none, or one cannot be read.
  func firstContact(_ spellings: Spellings) -> String? {
    guard message.has(.contact) else { return nil }
    guard let slot = facts.contact, isUsual(slot.uri.whole) else { return message.usableContacts.first?.uri.description }
    return spellings.text(message, slot.uri.whole)
  }

  /// `sip:`, letters in lower case, digits, hyphens and points, with an `@` and numbers without leading zeros behind it.
  private func isUsual(_ part: ByteRange) -> Bool {
    message.bytes.withSpan { span in
      let (start, end) = (part.range.lowerBound, part.range.upperBound)
      guard end - start > 4, span[start] == 115, span[start + 1] == 105, span[start + 2] == 112, span[start + 3] == 58 else { return false }
      var host = 0
      for index in start + 4..<end {
        switch span[index] {
        case 97...122, 45, 46: break
        case 48 where host > 0 && !(48...57).contains(span[index - 1]) && index + 1 < end && (48...57).contains(span[index + 1]):
          return false
        case 48...57: break
        case 64 where host == 0: host = index + 1
        default: return false
        }
      }
      return host > 0 && host < end
    }
  }

  private static func words(_ error: SIPHeaderError) -> String {
    if case .missing(let name) = error { return "\(name) is missing (RFC 3261 §8.1.1)" }
    return error.description
  }

  /// `INVITE`, `200 OK`.
  public var title: String { message.status.map { "\($0) \(phrase)".trimmingSpaces } ?? method.token }
}

extension String {
  public var trimmingSpaces: String {
    var text = Substring(self)
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
