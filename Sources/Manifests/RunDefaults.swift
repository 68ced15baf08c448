/// What a file says of a training that says nothing.
struct RunDefaults {
    var labelSmoothing = 0.0
    var images = RunSettings.Images.standard
    var prompt = ""
    var learningRate = 1e-4
    var minLearningRate = 1e-5
    var betas = [0.9, 0.98]
    /// The model whose image encoder is trained; nil where one is named that stays as it is.
    var trainedEncoder: String?
    /// Whether there are questions about the images.
    var asks = false
}

extension RunDefaults {
    /// Those of fine-tuning a model of `start` for `task`: the published recipes'.
    ///
    /// Source: Li et al., "BLIP-2", 2023, appendix; LAVIS `lavis/projects/blip2/train/caption_coco_ft.yaml` and
    /// `retrieval_coco_ft.yaml`.
    init(_ task: RunSettings.Task, of start: String) {
        (learningRate, minLearningRate, betas) = (1e-5, 0, [0.9, 0.999])
        trainedEncoder = start
        images.size = task == .vqa ? 490 : 364
        switch task {
        case .captioning: prompt = "a photo of"
        case .vqa: (prompt, asks) = ("Question: {} Answer:", true)
        case .retrieval: labelSmoothing = 0.1
        }
    }
}
