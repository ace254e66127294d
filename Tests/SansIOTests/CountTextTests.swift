import SansIO
import Testing

@Suite struct CountTextTests {
  @Test func `one is singular, all others are plural, and thousands have a comma`() {
    #expect([0, 1, 2].map { CountText.of($0, "file") } == ["0 files", "1 file", "2 files"])
    #expect([1, 2].map { CountText.of($0, "reply", "replies") } == ["1 reply", "2 replies"])
    #expect([999, 1_000, 12_345_678, -4_000].map { CountText.grouped($0) } == ["999", "1,000", "12,345,678", "-4,000"])
    #expect(CountText.grouped(UInt64.max) == "18,446,744,073,709,551,615")
  }

  @Test(arguments: [
    (Duration.zero, "0.000 s"), (.microseconds(1_499), "0.001 s"), (.microseconds(99_499), "0.099 s"), (.microseconds(99_500), "0.10 s"),
    (.milliseconds(571), "0.57 s"), (.seconds(2), "2.00 s"), (.microseconds(99_994_999), "99.99 s"), (.microseconds(99_995_000), "100 s"),
    (.milliseconds(5_177_800), "5,178 s"),
  ])
  func `durations are seconds with the decimals that somebody reads`(duration: Duration, text: String) {
    #expect(CountText.seconds(duration) == text)
  }
}
