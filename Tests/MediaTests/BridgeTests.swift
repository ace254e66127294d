import Codecs
import RTP
import SDP
import SansIO
import Testing

@testable import Media

@Suite struct BridgeSourceTests {
  private func frame(_ rate: Int, _ count: Int, _ value: Int16 = 7) -> AudioFrame {
    AudioFrame(samples: [Int16](repeating: value, count: count), sampleRate: rate)
  }

  @Test func `what waits is taken in order, and silence follows until a whole frame is there again`() {
    var (bridge, out) = (BridgeSource(), frame(8_000, 160, 1))
    bridge.fill(&out)
    #expect(out.samples == [Int16](repeating: 0, count: 160), "nothing came yet")
    bridge.put(frame(8_000, 80), for: 8_000)
    bridge.fill(&out)
    #expect(out.samples.allSatisfy { $0 == 0 }, "half a frame")
    bridge.put(frame(8_000, 160), for: 8_000)
    bridge.fill(&out)
    #expect(out.samples.allSatisfy { $0 == 7 } && bridge.count == 80)
    bridge.fill(&out)
    #expect(out.samples == [Int16](repeating: 7, count: 80) + [Int16](repeating: 0, count: 80))
    bridge.put(frame(8_000, 80), for: 8_000)
    bridge.fill(&out)
    #expect(out.samples.allSatisfy { $0 == 0 } && bridge.count == 80)
  }

  @Test func `what nobody takes is left out, the oldest first`() {
    var (bridge, out) = (BridgeSource(), frame(8_000, 160, 1))
    for value in 0..<50 { bridge.put(frame(8_000, 160, Int16(value)), for: 8_000) }
    #expect(bridge.count == 8 * BridgeSource.longest + 160 && bridge.dropped == 50 * 160 - bridge.count)
    bridge.fill(&out)
    #expect(out.samples.allSatisfy { $0 == 43 })
  }

  @Test func `another rate on either side begins anew, and nothing of no length or rate does harm`() {
    var (bridge, out) = (BridgeSource(), frame(48_000, 960, 1))
    bridge.put(frame(8_000, 320), for: 48_000)
    bridge.fill(&out)
    #expect(out.samples.suffix(400).allSatisfy { (5...9).contains($0) })
    bridge.put(frame(16_000, 320), for: 8_000)
    #expect((150...160).contains(bridge.count))
    bridge.fill(&out)
    #expect(out.samples.allSatisfy { $0 == 0 }, "a frame of the rate that was")
    bridge.put(frame(0, 320), for: 8_000)
    bridge.put(frame(8_000, 0), for: 8_000)
    bridge.put(frame(8_000, 10), for: 0)
    #expect((150...160).contains(bridge.count))
  }
}
