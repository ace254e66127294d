import Media
import RTP
import SIPUserAgent
import SansIO

/// The digits that one leg sends by INFO.
///
/// ```
///            press                    2xx, another digit
///   (none) ────────► asking ──────────────────────────────► pausing ── digit and gap are over ──► asking
///                      │ 2xx, none is left: pressed
///                      │ another answer, or none: failed
///                      ▼
///                   (none)
/// ```
/// The INFO leaves when its digit begins, and the next one when its answer is there and the digit and the gap behind it are over.
struct InfoPresses: Sendable {
  enum Input: Sendable {
    case press(DigitPlan, InfoDigit.Form)
    /// The final response; nil = none.
    case answered(Int?)
    case due
  }

  enum Output: Hashable, Sendable {
    case send(InfoBody)
    case wake(at: Instant)
    case pressed
    case failed(DigitRefusal)
  }

  private enum State: Sendable {
    case idle
    case asking(nextAt: Instant)
    case pausing
  }

  private struct Waiting: Sendable {
    var digit: Digit
    var form: InfoDigit.Form
    var duration: Duration
    var gap: Duration
  }

  private var state = State.idle
  private var queue: [Waiting] = []

  mutating func handle(_ input: Input, at now: Instant) -> [Output] {
    switch (state, input) {
    case (.idle, .press(let plan, let form)):
      add(plan, form)
      return next(at: now)
    case (.asking, .press(let plan, let form)), (.pausing, .press(let plan, let form)):
      add(plan, form)
      return []
    case (.asking(let nextAt), .answered(let status)):
      guard let status, (200..<300).contains(status) else {
        (state, queue) = (.idle, [])
        return [.failed(.info(status: status))]
      }
      guard !queue.isEmpty else {
        state = .idle
        return [.pressed]
      }
      guard nextAt > now else { return next(at: now) }
      state = .pausing
      return [.wake(at: nextAt)]
    case (.pausing, .due): return next(at: now)
    case (.idle, .answered), (.idle, .due), (.asking, .due), (.pausing, .answered): return []
    }
  }

  private mutating func add(_ plan: DigitPlan, _ form: InfoDigit.Form) {
    queue += plan.digits.map { Waiting(digit: $0, form: form, duration: plan.duration, gap: plan.gap) }
  }

  private mutating func next(at now: Instant) -> [Output] {
    guard !queue.isEmpty else {
      state = .idle
      return []
    }
    let next = queue.removeFirst()
    state = .asking(nextAt: now.advanced(by: next.duration + next.gap))
    let milliseconds = Int(next.duration.wholeNanoseconds / 1_000_000)
    return [.send(InfoDigit.body(next.digit, next.form, milliseconds: milliseconds))]
  }
}
