import Media
import RTP
import SIPMessage
import SIPUserAgent
import SansIO

// Digits: those that we send by INFO, and those that come by it. The others are the streams'.
extension CallAgent {
  func press(_ id: LegID, _ plan: DigitPlan, by way: DigitWay, _ form: InfoDigit.Form, at now: Instant, _ out: inout Outbox) {
    guard way == .info else { return feed(id, .command(.press(plan, way)), at: now, &out) }
    guard agreement(of: id) != nil else { return report(.pressFailed(id, .noStream)) }
    var presses = infoPresses[id.rawValue] ?? InfoPresses()
    let outputs = presses.handle(.press(plan, form), at: now)
    infoPresses[id.rawValue] = presses
    carryOut(outputs, id, at: now, &out)
  }

  func infoAnswered(_ id: LegID, _ status: Int?, at now: Instant, _ out: inout Outbox) { advance(id, .answered(status), at: now, &out) }

  /// The next INFO of a leg is due; false where none is.
  func wakeInfos(at now: Instant, _ out: inout Outbox) -> Bool {
    guard let id = infoDeadlines.takeExpired(at: now) else { return false }
    advance(id, .due, at: now, &out)
    return true
  }

  private func advance(_ id: LegID, _ input: InfoPresses.Input, at now: Instant, _ out: inout Outbox) {
    guard var presses = infoPresses[id.rawValue] else { return }
    let outputs = presses.handle(input, at: now)
    infoPresses[id.rawValue] = presses
    carryOut(outputs, id, at: now, &out)
  }

  private func carryOut(_ outputs: [InfoPresses.Output], _ id: LegID, at now: Instant, _ out: inout Outbox) {
    for output in outputs {
      switch output {
      case .send(let body):
        userAgent.inform(id, body, at: now, &out)
        takeNews()
      case .wake(let due): infoDeadlines.set(id, at: due)
      case .pressed: report(.pressed(id))
      case .failed(let refusal): report(.pressFailed(id, refusal))
      }
    }
  }

  /// A digit came by INFO, which its owner has answered.
  public func hear(_ digit: HeardDigit, on id: LegID) { report(.digit(id, digit)) }

  /// By which way digits go on a leg: by RFC 4733 where it was agreed.
  public func ways(of id: LegID) -> [DigitWay] { agreement(of: id)?.events == nil ? [.info] : [.rfc4733, .info] }
}
