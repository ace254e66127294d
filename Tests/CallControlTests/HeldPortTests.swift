import SIPUserAgent
import SansIO
import Testing

@testable import CallControl

/// Media ports that other programs hold.
@Suite struct HeldPortTests {
  private let bench = CallAgentBench()

  private var reasons: [String] {
    bench.events.compactMap { event in if case .portsMissing(_, let reason) = event { reason } else { nil } }
  }

  @Test func `a call that we place goes on past a hundred pairs that are held, and says the first`() throws {
    bench.heldPorts = (100, .addressInUse)
    #expect(try bench.dial()?.method == .invite)
    let failures = bench.events.filter { if case .socketFailed = $0 { true } else { false } }
    #expect(failures.count == 1 && reasons.isEmpty)
  }

  @Test(arguments: [BindFailure.addressInUse, .noDescriptor, .addressNotAvailable])
  func `a call that we place ends when no pair can be had, sends nothing and leaves nothing`(failure: BindFailure) throws {
    bench.heldPorts = (1_000, failure)
    #expect(try bench.dial() == nil)
    #expect(bench.ends == [.transportFailed] && reasons.count == 1)
    #expect(bench.leftovers == [])
    // Without a descriptor no other port is tried.
    #expect(1_000 - bench.heldPorts.count == (failure == .noDescriptor ? 1 : 128) * 2)
    bench.heldPorts.count = 0
    #expect(try bench.dial() != nil, "the next call finds them free")
  }
}
