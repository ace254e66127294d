import CallControl
import Testing

@testable import Personas

/// What the answer to a re-INVITE does to the call.
@Suite struct RefusedChangeTests {
  @Test(arguments: [(481, true), (408, true), (403, false), (488, false), (500, false), (603, false)])
  func `481 and 408 to a re-INVITE end the call, any other refusal does not (RFC 3261 §12.2.1.2)`(status: Int, isOver: Bool) throws {
    let bench = PersonaBench(PersonaProfile.plainCaller)
    _ = try bench.establish()
    bench.perform(.reinvite(bench.leg, .hold(nil)))
    bench.receive(Peer.answer(try bench.last(.invite), status))
    #expect(bench.requests(.bye).isEmpty == !isOver)
    if isOver { bench.receive(Peer.answer(try bench.last(.bye), 200)) }
    let ends = bench.events.compactMap { if case .ended(_, let end, _) = $0 { end } else { nil } }
    #expect(ends == (isOver ? [.dialogLost] : []))
  }
}
