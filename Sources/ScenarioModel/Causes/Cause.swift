import KallglotPolicy
import SDP
import SansIO

/// Why something did not come true, or did that never should: what the run knows of it, as values. The sentences of ``description`` are the
/// only ones; reports, journals and tests use them as they are.
public enum Cause: Hashable, Sendable {
  /// A step of the endpoint's policy judged the request (contract 8.1).
  case policy(PolicyDecision)
  /// How and when a leg ended, with the Reason of the BYE or CANCEL.
  case legEnded(member: String, at: Instant, EndReason, reason: String?)
  /// A connection that could not be opened or did not last.
  case connection(member: String, to: TransportAddress, reason: String)
  /// No server took its request, or none was found.
  case servers(member: String, reason: String)
  /// A UAS whose 2xx was not acknowledged within 64·T1 ended the call (RFC 3261 §13.3.1.4).
  case noACK(member: String, sent: Int)
  /// The other side refused the INVITE; `offered` names the codecs of an offer that it took nothing of (RFC 3261 §21.4.26).
  case refused(by: String, status: Int, phrase: String, explanation: String?, offered: [String])
  case legUp(member: String, since: Instant, byeSent: Bool)
  /// What was agreed, as this member has it.
  case agreed(member: String, codec: String, MediaDirection)
  /// There is no leg that could have done it.
  case noLeg(member: String)
  /// A fault of the scenario met messages.
  case fault(PacketFlow.Effect, kind: String, sender: String, count: Int, of: Int)
  /// The link lost packets; `kind` is nil for several kinds of messages. `why` counts them by cause, the commonest first.
  case link(from: String, to: String, kind: String?, count: Int, of: Int, why: [Loss])
  /// A request that came, and got no response; it is sent again by Timer E, or by Timer A an INVITE.
  case unanswered(kind: String, sender: String, by: String, sent: Int, isInvite: Bool)
  /// A binding that its client did not refresh in time.
  case bindingExpired(member: String, granted: Int, at: Instant)
  case unroutable(kind: String, sender: String, to: IPAddress, count: Int)
  /// A NAT refused packets.
  case nat(String, FilterReason, source: String, count: Int)
  /// A firewall let packets no further.
  case firewall(String, FilterReason, source: String, count: Int)
  /// The gateway of a NAT made of a message what it should not.
  case gateway(String, GatewayReport)
  /// A NAT or firewall has lost its bindings.
  case rebooted(String, at: Instant)
  /// A member has another address.
  case moved(String, at: Instant)
  /// Where a member's RTP went, and what became of it.
  case media(sender: String, to: TransportAddress, sent: Int, parts: [PacketFlow.Part])
  case sentNone(member: String, kind: String)
  /// Media came, and was not taken.
  case dropped(member: String, reason: String)
  /// What was heard instead.
  case heardInstead(member: String, [HeardTone])
  /// Digits that came, whatever their way, and those that another one did not send.
  case gotDigits(member: String, String)
  case digitsNotSent(member: String, reason: String)
  /// What came instead, the newest last.
  case cameInstead(member: String, [Exhibit])
  /// The last message that is known of it.
  case lastMessage(member: String, Exhibit)
  /// What did pass while a fault waited for its message; `nearest` says why it was not the one.
  case passed(sender: String, [Passed], nearest: String?)
  /// All of this was looked at, and nothing explains it.
  case unknown([Looked])
  /// As a report says it that was read back.
  case reported(String)

  public struct Loss: Hashable, Sendable {
    public var cause: LossCause
    public var count: Int
  }

  public struct Passed: Hashable, Sendable {
    public var kind: String
    public var count: Int
  }

  /// Where a cause was looked for.
  public enum Looked: String, Hashable, Sendable, CaseIterable {
    case policy = "no policy step refused"
    case network = "no link, fault or NAT took a message"
    case legs = "no leg ended"
    case media = "no tone was heard"
  }
}

extension Cause: CustomStringConvertible {
  public var description: String {
    switch self {
    case .policy(let decision): Self.sentence(decision)
    case .legEnded(let member, let at, let end, let reason):
      "\(member)'s leg ended at \(at) s: \(end)\(reason.map { ", Reason: \($0)" } ?? "")"
    case .connection(let member, let remote, let reason): "\(member)'s connection to \(remote) failed: \(reason)"
    case .servers(let member, let reason): "\(member)'s request had no server: \(reason)"
    case .noACK(let member, let sent): "\(member) sent its 200 INVITE \(CountText.of(sent, "time")), got no ACK within 64·T1 and sent BYE"
    case .refused(let member, let status, let phrase, let explanation, let offered):
      (offered.isEmpty ? "\(member) refused the call" : "\(member) takes nothing of the offer of \(offered.joined(separator: ", "))")
        + ": \(status) \(phrase)\(explanation.map { " (\($0))" } ?? "")"
    case .legUp(let member, let since, let byeSent):
      "\(member)'s leg is up since \(since) s\(byeSent ? "" : ", and nobody sent BYE")"
    case .agreed(let member, let codec, let direction): "\(member) has agreed on \(codec), \(direction.rawValue)"
    case .noLeg(let member): "\(member) has no leg: no INVITE left or reached it"
    case .fault(let effect, let kind, let sender, let count, let all):
      "\(Self.words(effect)) \(count) of \(all) \(kind) from \(sender)"
    case .link(let from, let to, let kind, let count, let all, let why):
      "the link \(from) → \(to) lost \(count) of \(all) \(kind ?? "messages")\(Self.words(why))"
    case .unanswered(let kind, let sender, let server, let sent, let isInvite):
      "\(sender) sent \(kind) \(CountText.of(sent, "time")) (Timer \(isInvite ? "A, RFC 3261 §17.1.1.2" : "E, RFC 3261 §17.1.2.2")), and "
        + "\(server) sent no response to it"
    case .bindingExpired(let member, let granted, let at):
      "\(member) did not refresh its binding, which expired at \(at) s, \(granted) s after it was granted (RFC 3261 §10.2.4)"
    case .unroutable(let kind, let sender, let address, let count): "\(sender) sent \(count) \(kind) to \(address), which nobody has"
    case .nat(let name, let reason, let source, let count):
      "NAT \(name) dropped \(count) packet\(count == 1 ? "" : "s") from \(source): \(reason)"
    case .firewall(let name, let reason, let source, let count):
      "firewall \(name) dropped \(CountText.of(count, "packet")) from \(source): \(reason)"
    case .gateway(let name, let report): "the ALG of \(name) \(report.sentence)"
    case .rebooted(let name, let at): "\(name) rebooted at \(at) s and lost its bindings"
    case .moved(let member, let at): "\(member) has had another address since \(at) s"
    case .media(let sender, let target, let sent, let parts):
      "\(sender) sent \(sent) RTP packet\(sent == 1 ? "" : "s") to \(target), \(Self.words(parts, of: sent))"
    case .sentNone(let member, let kind): "\(member) sent no \(kind)"
    case .dropped(let member, let reason): "\(member) dropped media that came: \(reason)"
    case .heardInstead(let member, let tones): "\(member) heard \(tones.map(Self.words).joined(separator: ", ")) instead"
    case .gotDigits(let member, let digits): "\(member) got \(digits)"
    case .digitsNotSent(let member, let reason): "\(member) did not send its digits: \(reason)"
    case .cameInstead(let member, let exhibits):
      "instead \(member) received " + exhibits.map { "#\($0.frame.frame) \($0.text)" }.joined(separator: ", ")
    case .lastMessage(let member, let exhibit):
      "the last message of it was \(member)#\(exhibit.frame.frame) \(exhibit.text), \(exhibit.direction.rawValue)"
    case .passed(let sender, let kinds, let nearest):
      "\(sender) sent \(kinds.isEmpty ? "nothing" : kinds.map { "\($0.count) \($0.kind)" }.joined(separator: ", "))"
        + (nearest.map { "; the nearest was \($0)" } ?? "")
    case .unknown(let looked): "nothing that is known explains it: \(looked.map(\.rawValue).joined(separator: ", "))"
    case .reported(let sentence): sentence
    }
  }

  /// `policy step 2, requireTLS is on: signalling came over UDP`
  private static func sentence(_ decision: PolicyDecision) -> String {
    let number = decision.rule.rawValue.prefix { $0 != " " }
    let step = decision.rule.rawValue.first?.isNumber == true ? "policy step \(number)" : "policy, \(decision.rule.rawValue)"
    let detail = decision.detail.isEmpty ? "" : ": \(decision.detail)"
    switch decision.verdict {
    case .passed: return "\(step) passed\(detail)"
    case .challenged: return "\(step) challenged\(detail)"
    case .dropped: return "\(step) answered nothing, allowlistRefusal is drop\(detail)"
    case .refused: break
    }
    switch decision.setting {
    case "": return step + detail
    case "requireTLS", "requireSRTP": return "\(step), \(decision.setting) is on\(detail)"
    case "sipAccess", "inboundFirst", "anyDomain": return "\(step), \(decision.setting) is off\(detail)"
    default: return "\(step), \(decision.setting)\(detail)"
    }
  }

  private static func words(_ effect: PacketFlow.Effect) -> String {
    switch effect {
    case .lost(let cause): "the link\(words(cause)) lost"
    case .corrupted: "the link corrupted"
    case .dropped(let fault): "the fault '\(fault)' dropped"
    case .delayed(let fault): "the fault '\(fault)' delayed"
    case .changed(let fault): "the fault '\(fault)' changed"
    case .unroutable: "nobody has the address of"
    case .filtered: "a NAT dropped"
    }
  }

  /// `: 3 in bursts, 1 with its queue full`; nothing for losses that are nothing but drawn.
  private static func words(_ why: [Loss]) -> String {
    guard why.contains(where: { $0.cause != .random }) else { return "" }
    let total = why.reduce(0) { $0 + $1.count }
    return ": "
      + why.map { loss in
        let text = loss.cause == .random ? "at random" : String(words(loss.cause).dropFirst(2).dropLast())
        return loss.count == total ? text : "\(loss.count) \(text)"
      }.joined(separator: ", ")
  }

  private static func words(_ cause: LossCause) -> String {
    switch cause {
    case .random: ""
    case .burst: ", in bursts,"
    case .queueFull: ", with its queue full,"
    case .outage: ", while it was down,"
    case .corrupted: ", by corruption,"
    case .listed: ", as listed,"
    }
  }

  private static func words(_ parts: [PacketFlow.Part], of sent: Int) -> String {
    guard !parts.isEmpty else { return "all of them arrived" }
    return parts.map { "\(words($0.effect)) \($0.count == sent ? "all" : "\($0.count)") of them" }.joined(separator: ", ")
  }

  private static func words(_ tone: HeardTone) -> String {
    "\(tone.frequency) Hz from \(tone.from.tenths) s\(tone.to.map { " to \($0.tenths) s" } ?? "")"
  }
}

extension Instant {
  /// Seconds with one digit, which is as exact as tones are heard.
  fileprivate var tenths: String {
    let tenths = (nanoseconds + 50_000_000) / 100_000_000
    return "\(tenths / 10).\(tenths % 10)"
  }
}
