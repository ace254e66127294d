import SansIO
import Testing

@testable import RTP

@Suite struct EModelTests {
  private func near(_ value: Double?, _ other: Double, _ tolerance: Double) -> Bool { value.map { abs($0 - other) <= tolerance } ?? false }

  @Test func `with all planning values R is 93.2 and MOS 4.41 (ITU-T G.107 Table 2)`() {
    let model = EModel.Narrowband()
    #expect(near(model.rating, 93.206, 0.001))
    #expect(near(model.meanOpinionScore, 4.409, 0.001))
  }

  @Test(arguments: [
    (0.0, 93.21, 4.409, 93.21, 4.409), (1, 75.28, 3.834, 89.57, 4.328), (2, 63.05, 3.256, 86.20, 4.235), (5, 42.13, 2.170, 77.43, 3.923),
    (10, .nan, .nan, 66.14, 3.411),
  ])
  func `G.711 loses less by loss where it is concealed (ITU-T G.107 §7.2, G.113 Appendix I)`(
    loss: Double, plainRating: Double, plainScore: Double, rating: Double, score: Double
  ) {
    var model = EModel.Narrowband()
    model.ppl = loss
    if !plainRating.isNaN {
      #expect(near(model.rating, plainRating, 0.006) && near(model.meanOpinionScore, plainScore, 0.001))
    }
    model.bpl = 25.1
    #expect(near(model.rating, rating, 0.006) && near(model.meanOpinionScore, score, 0.001))
  }

  @Test(arguments: [(0.0, 82.21, 4.105), (2, 74.21, 3.788), (5, 64.71, 3.340)])
  func `G.729A with VAD has Ie 11 and Bpl 19 (ITU-T G.113 Appendix I)`(loss: Double, rating: Double, score: Double) {
    var model = EModel.Narrowband()
    (model.ie, model.bpl, model.ppl) = (11, 19, loss)
    #expect(near(model.rating, rating, 0.006) && near(model.meanOpinionScore, score, 0.001))
  }

  @Test(arguments: [(100.0, 90.66), (177.3, 88.05), (250, 79.18), (300, 72.7), (400, 62.3)])
  func `a delay lowers the rating of a conversation (ITU-T G.107 §7.4)`(milliseconds: Double, rating: Double) {
    var model = EModel.Narrowband()
    model.setDelay(milliseconds: milliseconds)
    #expect(near(model.rating, rating, 0.06))
  }

  @Test func `a burst of losses is worse than as many at random (ITU-T G.107 §7.2)`() {
    func rating(_ ratio: Double) -> Double {
      var model = EModel.Narrowband()
      (model.ppl, model.bpl, model.burstRatio) = (5, 25.1, ratio)
      return model.rating
    }
    #expect(rating(1) > rating(2) && rating(2) > rating(4))
  }

  @Test(arguments: [(0.0, 4.500), (13, 4.337), (20, 4.182), (31, 3.863)])
  func `wideband rates by 129 and scores by R / 1.29 (ITU-T G.107.1)`(ie: Double, score: Double) {
    #expect(near(EModel.Wideband(ie: ie).meanOpinionScore, score, 0.001))
    #expect(EModel.Wideband(ie: ie).rating == 129 - ie)
  }

  @Test func `a score has its rating back, and is never below 1 (ITU-T G.107 Annex B, Appendix I)`() {
    for rating in stride(from: 10.0, through: 99, by: 1) {
      let back = EModel.rating(meanOpinionScore: EModel.meanOpinionScore(rating))
      #expect(abs(back - rating) < 0.01)
    }
    #expect((0...6).allSatisfy { EModel.meanOpinionScore(Double($0)) == 1 })
    #expect(EModel.meanOpinionScore(150) == 4.5 && EModel.meanOpinionScore(-3) == 1)
  }
}

@Suite struct QualityFigureTests {
  private func loss(_ received: Int, _ lost: Int) -> BurstGapLoss {
    var loss = BurstGapLoss()
    for index in 0..<received + lost { loss.take(lost > 0 && index % ((received + lost) / lost) == 0 ? .lost : .received) }
    return loss
  }

  @Test func `a score says its scale and what it rests on, and that the delay is not in it`() throws {
    let score = try #require(QualityFigure(.g711, loss(990, 10), conceals: true, isAssumed: true).score)
    #expect(score.mosText == "4.33")
    #expect(score.inputs == "NB R 89.6, Ie 0.0, Bpl 25.1 (PLC assumed), Ppl 1.0 %, BurstR 1.0, without delay")
    let delayed = try #require(QualityFigure(.g711, loss(990, 10), conceals: true, delay: .milliseconds(300)).score)
    #expect(delayed.rating < 75 && delayed.inputs.hasSuffix("delay 300 ms"))
  }

  @Test func `G.722 is scored in wideband, and not at all where packets are missing: no Bpl,WB is published (ITU-T G.113)`() throws {
    let score = try #require(QualityFigure(.g722, loss(100, 0), conceals: true).score)
    #expect(score.scale == .wideband && score.mosText == "4.34" && score.inputs.hasPrefix("WB R 116.0"))
    #expect(QualityFigure(.g722, loss(99, 1), conceals: true) == .notMeasured("1.0 % is missing, and no Bpl,WB is published for G.722"))
  }

  @Test func `a score of Opus is one of its own scale, and assumed`() throws {
    let codec = ScoredCodec(encoding: "opus", bitRate: 24_000, hasFEC: true)
    let score = try #require(QualityFigure(codec, loss(99, 1), conceals: true).score)
    #expect(score.scale == .assumed && score.inputs.contains("Opus has no published Ie"))
    #expect(ScoredCodec(encoding: "opus") == nil)
  }

  @Test func `what is not measured is not good: no packets, too few, an unknown codec`() {
    #expect(QualityFigure(.g711, loss(0, 0), conceals: true) == .notMeasured("no packets"))
    #expect(QualityFigure(.g711, loss(49, 0), conceals: true) == .notMeasured("49 packets are too few, a score needs 50"))
    #expect(
      QualityFigure(ScoredCodec(encoding: "G729"), loss(500, 0), conceals: true)
        == .notMeasured("no impairment factor is known for the codec"))
  }

  @Test func `a stretch in which nothing came has a score, and it is a bad one`() throws {
    let score = try #require(QualityFigure(.g711, loss(0, 250), conceals: true).score)
    #expect(score.lossPercent == 100 && score.meanOpinionScore < 1.3)
  }
}
