import SansIO
import Testing

@testable import SIPUserAgent

@Suite struct RegistrationUsageTests {
  private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

  private func handle(_ usage: inout RegistrationUsage, _ input: RegistrationUsage.Input, at seconds: Int64 = 0) -> [RegistrationUsage
    .Output]
  {
    usage.handle(input, at: at(seconds)) { $0.upperBound }
  }

  @Test func `a grant is refreshed a tenth before its end, five seconds at least, half of it at most (RFC 3261 §10.2.4)`() {
    for (granted, due) in [(3600, 3240), (60, 54), (40, 35), (8, 4), (1, 1)] {
      var usage = RegistrationUsage()
      _ = handle(&usage, .register(expires: 3600))
      #expect(handle(&usage, .granted(granted)) == [.bound(seconds: granted)])
      #expect(usage.nextDeadline == at(Int64(due)))
      #expect(handle(&usage, .timer, at: Int64(due)) == [.send(expires: 3600)])
    }
  }

  @Test func `the back-off doubles from 30 s to half an hour and starts again after a success (RFC 5626 §4.5)`() {
    var usage = RegistrationUsage()
    _ = handle(&usage, .register(expires: 60))
    var waits: [Int] = []
    for _ in 0..<8 {
      if case .failed(retryIn: let seconds?)? = handle(&usage, .failed).first { waits.append(seconds) }
      _ = handle(&usage, .timer)
    }
    #expect(waits == [30, 60, 120, 240, 480, 960, 1_800, 1_800])
    _ = handle(&usage, .granted(60))
    _ = handle(&usage, .timer)
    #expect(handle(&usage, .refused(status: 500, retryAfter: nil)) == [.failed(retryIn: 30)])
  }

  @Test func `what is asked for while a request is open follows its end, whatever that is (RFC 3261 §10.2)`() {
    let ends: [(RegistrationUsage.Input, [RegistrationUsage.Output])] = [
      (.granted(60), [.bound(seconds: 60)]), (.failed, [.failed(retryIn: 30)]),
      (.refused(status: 403, retryAfter: nil), [.failed(retryIn: nil)]),
      (.tooBrief(minimum: 30), [.absurdMinimum(30, asked: 60), .failed(retryIn: nil)]),
    ]
    for (end, outputs) in ends {
      var usage = RegistrationUsage()
      _ = handle(&usage, .register(expires: 60))
      #expect(handle(&usage, .register(expires: 90)) == [] && handle(&usage, .register(expires: 0)) == [])
      #expect(handle(&usage, end) == outputs + [.send(expires: 0)])
      #expect(usage.state == .leaving(wanted: nil))
      #expect(handle(&usage, .register(expires: 120)) == [])
      #expect(handle(&usage, .granted(0)) == [.bound(seconds: 0), .send(expires: 120)])
      #expect(usage.expires == 120)
    }
  }

  @Test func `a 423 raises what is asked for once, and what is wanted meanwhile still follows (RFC 3261 §10.3 step 6)`() {
    var usage = RegistrationUsage()
    _ = handle(&usage, .register(expires: 60))
    _ = handle(&usage, .register(expires: 0))
    #expect(handle(&usage, .tooBrief(minimum: 600)) == [.send(expires: 600)])
    #expect(handle(&usage, .tooBrief(minimum: 900)) == [.absurdMinimum(900, asked: 600), .failed(retryIn: nil), .send(expires: 0)])
  }

  @Test(arguments: [400, 401, 403, 404, 423, 603]) func `a refusal that would come again is final`(status: Int) {
    var usage = RegistrationUsage()
    _ = handle(&usage, .register(expires: 60))
    #expect(handle(&usage, .refused(status: status, retryAfter: 5)) == [.failed(retryIn: nil)])
    #expect(usage.state == .idle && usage.nextDeadline == nil)
  }
}
