import SansIO
import Testing

@Suite struct InstantTests {
  @Test(arguments: [(0, "0.000"), (32_000_500_000, "32.0005"), (1, "0.000000001"), (-1_500_000_000, "-1.500")])
  func `an instant prints as seconds with at least three decimals`(nanoseconds: Int64, text: String) {
    #expect(Instant(nanoseconds: nanoseconds).description == text)
  }

  @Test func `instants add and subtract as durations`() {
    let start = Instant(nanoseconds: 5)
    #expect(start.advanced(by: .milliseconds(2)).nanoseconds == 2_000_005)
    #expect(start.duration(to: Instant(nanoseconds: 1_000_000_005)) == .seconds(1))
    #expect(start.adding(nanoseconds: 7) == Instant(nanoseconds: 12))
  }
}
